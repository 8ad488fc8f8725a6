//! OpenSSH keys, and signatures by them over texts (SSHSIG), checked with what they say alone. What is signed, and whose key
//! counts, is not known here.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de};
use ssh_key::public::KeyData;
use ssh_key::{HashAlg, PublicKey, SshSig};

/// What signatures are made for, so that none made for something else counts here.
pub const NAMESPACE: &str = "deeds";
/// What a signature's armour begins and ends with.
const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";
/// The longest signature in bytes.
pub const SIGNATURE_BYTES: usize = 8 * 1024;
/// The longest public key in bytes.
const KEY_BYTES: usize = 4 * 1024;
/// The shortest RSA key in bytes of its modulus: 2,048 bits.
const RSA_BYTES: usize = 256;
/// What follows the signature proper where a key in hardware made it: a byte of flags, and a counter.
const SK_TAIL: usize = 5;
/// The flag that says that somebody touched the key.
const TOUCHED: u8 = 1;

/// A public key in OpenSSH's one-line form, without a comment: `ssh-ed25519 AAAA…`.
#[derive(Clone, PartialEq, Eq)]
pub struct SignKey {
    text: Arc<str>,
    data: KeyData,
}

/// Why a text is no key that can sign here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not in OpenSSH's form.
    #[error("it is no public key in OpenSSH's form (`ssh-ed25519 AAAA…`, as a `.pub` file has it)")]
    Form,
    /// Of a kind that is not taken.
    #[error("a key of the kind {0} is not taken; `ssh-keygen -t ed25519` makes one that is")]
    Kind(String),
    /// Too short to be worth anything.
    #[error("an RSA key has 2,048 bits or more")]
    Short,
}

/// Why a signature does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Not in the form.
    #[error("it is no SSH signature")]
    Form,
    /// Made for another purpose.
    #[error("it was made for another purpose than `deeds`")]
    Purpose,
    /// By another key.
    #[error("another key made it")]
    OtherKey,
    /// Over another text, or broken.
    #[error("it is over another text")]
    Wrong,
    /// Nobody touched the key.
    #[error("nobody touched the key, which is one to be touched")]
    NotTouched,
}

impl SignKey {
    /// The digest that people know a key by: `SHA256:…`.
    pub fn fingerprint(&self) -> Arc<str> {
        Arc::from(self.data.fingerprint(HashAlg::Sha256).to_string())
    }

    /// The kind in OpenSSH's word: `ssh-ed25519`.
    pub fn kind(&self) -> &str {
        self.text.split_once(' ').map_or(&self.text, |(kind, _)| kind)
    }

    /// The line.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The key itself, for who asks an agent to sign with it.
    pub fn data(&self) -> &KeyData {
        &self.data
    }

    /// Whether the key is in hardware that somebody has to touch.
    pub fn is_touched(&self) -> bool {
        matches!(self.data, KeyData::SkEd25519(_) | KeyData::SkEcdsaSha2NistP256(_))
    }

    /// Whether this key made the signature over exactly that text.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn verify(&self, text: &str, armored: &str) -> Result<(), SignatureError> {
        let signature = read(armored)?;
        if *signature.public_key() != self.data {
            return Err(SignatureError::OtherKey);
        }
        let public = PublicKey::from(self.data.clone());
        public.verify(NAMESPACE, text.as_bytes(), &signature).map_err(|_| SignatureError::Wrong)?;
        // The crate checks that the flags were signed, not what they say.
        let bytes = signature.signature_bytes();
        let flags = bytes.len().checked_sub(SK_TAIL).and_then(|at| bytes.get(at));
        if self.is_touched() && flags.is_none_or(|flags| flags & TOUCHED == 0) {
            return Err(SignatureError::NotTouched);
        }
        Ok(())
    }
}

/// Which key a signature says that it was made by.
///
/// # Errors
/// When it is none, or made for another purpose.
pub fn maker(armored: &str) -> Result<SignKey, SignatureError> {
    SignKey::of(read(armored)?.public_key().clone()).map_err(|_| SignatureError::OtherKey)
}

/// The armour of a signature whose base64 stands on one line; none where that is no base64.
pub fn armored(line: &str) -> Option<String> {
    const WIDTH: usize = 70;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    if line.is_empty() || !line.bytes().all(fits) {
        return None;
    }
    let lines: Vec<&str> =
        line.as_bytes().chunks(WIDTH).filter_map(|chunk| std::str::from_utf8(chunk).ok()).collect();
    Some(format!("{BEGIN}\n{}\n{END}\n", lines.join("\n")))
}

/// The base64 in a signature's armour, on one line.
pub fn one_line(armored: &str) -> String {
    armored.lines().map(str::trim).filter(|line| *line != BEGIN && *line != END).collect()
}

fn read(armored: &str) -> Result<SshSig, SignatureError> {
    if armored.len() > SIGNATURE_BYTES {
        return Err(SignatureError::Form);
    }
    let signature = SshSig::from_pem(armored).map_err(|_| SignatureError::Form)?;
    if signature.namespace() != NAMESPACE {
        return Err(SignatureError::Purpose);
    }
    Ok(signature)
}

impl SignKey {
    /// The key with that data.
    ///
    /// # Errors
    /// When it is of a kind that is not taken.
    pub fn of(data: KeyData) -> Result<Self, KeyError> {
        let modulus = data.rsa().map(|rsa| rsa.n.as_positive_bytes().unwrap_or_default());
        if modulus.is_some_and(|bytes| bytes.len() < RSA_BYTES) {
            return Err(KeyError::Short);
        }
        let takes = data.is_ed25519() || data.is_sk_ed25519() || data.is_rsa();
        if !takes && !data.is_ecdsa() && !data.is_sk_ecdsa_p256() {
            return Err(KeyError::Kind(data.algorithm().to_string()));
        }
        let text = PublicKey::from(data.clone()).to_openssh().map_err(|_| KeyError::Form)?;
        Ok(Self { text: Arc::from(text.trim_end()), data })
    }
}

impl FromStr for SignKey {
    type Err = KeyError;

    /// Reads a line of a `.pub` file; its comment is left out.
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        if text.len() > KEY_BYTES {
            return Err(KeyError::Form);
        }
        Self::of(PublicKey::from_openssh(text).map_err(|_| KeyError::Form)?.key_data().clone())
    }
}

impl fmt::Display for SignKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for SignKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignKey({})", self.text)
    }
}

impl Serialize for SignKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for SignKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for SignKey {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SignKey".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A public key in OpenSSH's one-line form: `ssh-ed25519 AAAA…`."
        })
    }
}

#[cfg(test)]
mod tests {
    use ring::signature::Ed25519KeyPair;
    use sha2::{Digest as _, Sha256};
    use ssh_key::private::Ed25519Keypair;
    use ssh_key::public::SkEd25519;
    use ssh_key::{Algorithm, LineEnding, PrivateKey, Signature};

    use super::*;

    fn armour(key: KeyData, purpose: &str, signature: Signature) -> String {
        SshSig::new(key, purpose, HashAlg::Sha512, signature).unwrap().to_pem(LineEnding::LF).unwrap()
    }

    fn pair(seed: u8) -> PrivateKey {
        PrivateKey::from(Ed25519Keypair::from_seed(&[seed; 32]))
    }

    /// As a key in hardware signs: over the application, its flags and counter, and the text.
    fn by_hardware(flags: u8, text: &str) -> (SignKey, String) {
        let seed = [9; 32];
        let public = SkEd25519::new(*pair(9).public_key().key_data().ed25519().unwrap(), "ssh:");
        let data = SshSig::signed_data(NAMESPACE, HashAlg::Sha512, text.as_bytes()).unwrap();
        let tail = [flags, 0, 0, 0, 7];
        let message = [&Sha256::digest("ssh:")[..], &tail, &Sha256::digest(&data)[..]].concat();
        let raw = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap().sign(&message);
        let signed = [raw.as_ref(), &tail].concat();
        let signature = Signature::new(Algorithm::SkEd25519, signed).unwrap();
        let data = KeyData::SkEd25519(public);
        (SignKey::of(data.clone()).unwrap(), armour(data, NAMESPACE, signature))
    }

    #[test]
    fn a_signature_is_over_one_text_by_one_key_for_one_purpose() {
        let text = "deeds decision v1\n";
        let sign = |seed: u8, purpose: &str| {
            SshSig::sign(&pair(seed), purpose, HashAlg::Sha256, text.as_bytes())
                .unwrap()
                .to_pem(LineEnding::LF)
                .unwrap()
        };
        let key = SignKey::of(pair(1).public_key().key_data().clone()).unwrap();
        let signed = sign(1, NAMESPACE);
        assert_eq!(key.verify(text, &signed), Ok(()));
        assert_eq!(armored(&one_line(&signed)).as_deref(), Some(signed.as_str()));
        assert_eq!(maker(&signed).unwrap(), key);
        assert_eq!(key.verify("deeds decision v2\n", &signed), Err(SignatureError::Wrong));
        assert_eq!(key.verify(text, &sign(2, NAMESPACE)), Err(SignatureError::OtherKey));
        assert_eq!(key.verify(text, &sign(1, "git")), Err(SignatureError::Purpose));
        assert_eq!(key.verify(text, &signed.replace("SSH", "PGP")), Err(SignatureError::Form));
        assert_eq!(armored("not one line\n"), None);
    }

    #[test]
    fn a_key_in_hardware_signs_when_somebody_touches_it() {
        let text = "deeds decision v1\n";
        let (key, touched) = by_hardware(TOUCHED, text);
        assert!(key.is_touched() && key.kind().starts_with("sk-"));
        assert_eq!(key.verify(text, &touched), Ok(()));
        let (key, untouched) = by_hardware(0, text);
        assert_eq!(key.verify(text, &untouched), Err(SignatureError::NotTouched));
        // That somebody was verified by a PIN is no touch.
        let (key, verified) = by_hardware(4, text);
        assert_eq!(key.verify(text, &verified), Err(SignatureError::NotTouched));
    }

    #[test]
    fn keys_are_read_as_files_have_them() {
        let line = SignKey::of(pair(1).public_key().key_data().clone()).unwrap();
        let with_comment = format!("{line} dana@desk\n");
        assert_eq!(with_comment.parse(), Ok(line.clone()));
        assert!(line.fingerprint().starts_with("SHA256:"));
        for broken in ["", "ssh-ed25519", "ssh-ed25519 AAAA", "dana ssh-ed25519"] {
            assert_eq!(broken.parse::<SignKey>(), Err(KeyError::Form), "{broken}");
        }
    }
}
