//! The person's ssh-agent, which signs what a server asks to be signed, after it was held against what the person meant. The
//! secret key never comes here.

use std::fmt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ssh_agent_client_rs::{Client as Agent, Identity};
use ssh_key::public::KeyData;
use ssh_key::{HashAlg, LineEnding, PublicKey, SshSig};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::{ClientError, Result};
use crate::api::{Problem, TokenText};
use crate::domain::rule::signing::{Meant, Statement};
use crate::domain::signature::{NAMESPACE, SignKey, one_line};

/// How long the agent may take to name its keys.
const LIST: Duration = Duration::from_secs(5);
/// How long a person may take to touch a key, or to allow its use.
const TOUCH: Duration = Duration::from_mins(2);

/// Says why a decision of that token is not signed by that statement, if it is not. What the statement says of the decision
/// itself is compared before; this is about whose ledger it names, and whom.
pub type Whose = dyn Fn(&TokenText, &Statement) -> std::result::Result<(), String> + Send + Sync;

/// Where the agent is, who is told that it is asked, and what it may be asked for.
#[derive(Clone)]
pub struct SshAgent {
    socket: PathBuf,
    tell: Arc<dyn Fn(&str) + Send + Sync>,
    whose: Arc<Whose>,
    /// Held from the statement to the answer: the next statement names what this one came to.
    turn: Arc<Mutex<()>>,
}

impl fmt::Debug for SshAgent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SshAgent({})", self.socket.display())
    }
}

impl SshAgent {
    /// The agent at that socket, such as `SSH_AUTH_SOCK` names. `tell` hears in a sentence when it is asked to sign.
    pub fn new(socket: &Path, tell: impl Fn(&str) + Send + Sync + 'static, whose: Arc<Whose>) -> Self {
        Self { socket: socket.to_owned(), tell: Arc::new(tell), whose, turn: Arc::default() }
    }

    /// Waits until no other decision is being signed here.
    pub(super) async fn turn(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.turn).lock_owned().await
    }

    /// The keys that it has and that could sign here.
    ///
    /// # Errors
    /// When it can't be asked.
    pub fn keys(&self) -> Result<Vec<SignKey>> {
        let (_, data) = self.list()?;
        Ok(data.into_iter().filter_map(|data| SignKey::of(data).ok()).collect())
    }

    /// What it has, and the way to it; what is asked next may take as long as a person does.
    fn list(&self) -> Result<(Agent, Vec<KeyData>)> {
        let connect = || {
            let stream = UnixStream::connect(&self.socket)?;
            stream.set_read_timeout(Some(LIST))?;
            stream.set_write_timeout(Some(LIST))?;
            Ok::<_, std::io::Error>((stream.try_clone()?, stream))
        };
        let place = self.socket.display();
        let (handle, stream) =
            connect().map_err(|error| not(format!("the ssh-agent at {place} can't be asked: {error}")))?;
        let mut agent = Agent::with_read_write(Box::new(stream));
        let listed = agent.list_all_identities();
        let listed =
            listed.map_err(|error| not(format!("the ssh-agent at {place} names no keys: {error}")))?;
        let patient = handle.set_read_timeout(Some(TOUCH));
        patient.map_err(|error| not(format!("the ssh-agent at {place} can't be asked: {error}")))?;
        let plain = |identity: Identity<'static>| match identity {
            Identity::PublicKey(key) => Some(key.key_data().clone()),
            Identity::Certificate(_) => None,
        };
        Ok((agent, listed.into_iter().filter_map(plain).collect()))
    }

    /// Signs what the server of that token wants signed, if it is what was meant, in the ledger and by the person that it is
    /// known for; the signature's base64 on one line.
    pub(super) async fn sign(&self, token: &TokenText, asked: &Problem, meant: &Meant) -> Result<String> {
        let statement = asked.statement.clone().unwrap_or_default();
        let Some(read) = Statement::read(&statement).filter(|read| read.meant == *meant) else {
            return Err(not(format!(
                "the server wants another statement signed than what was asked of it; nothing was signed. It is:\n{statement}"
            )));
        };
        (self.whose)(token, &read).map_err(|why| not(format!("{why}; nothing was signed")))?;
        let (this, keys) = (self.clone(), asked.keys.clone());
        let signed = tokio::task::spawn_blocking(move || this.sign_now(&statement, &keys)).await;
        signed.map_err(|error| not(format!("signing broke off: {error}")))?
    }

    fn sign_now(&self, statement: &str, keys: &[SignKey]) -> Result<String> {
        if keys.is_empty() {
            return Err(not("you have no key that counts: `deeds keys add` names one".to_owned()));
        }
        let (mut agent, has) = self.list()?;
        let Some(key) = keys.iter().find(|key| has.contains(key.data())) else {
            let wanted: Vec<String> = keys.iter().map(|key| key.fingerprint().to_string()).collect();
            return Err(not(format!(
                "your ssh-agent has {} keys, and none of {}; `ssh-add` gives it one, `ssh -A` takes the agent along",
                has.len(),
                wanted.join(", ")
            )));
        };
        let touch = if key.is_touched() { "; touch it" } else { "" };
        (self.tell)(&format!("your ssh-agent is asked to sign with {}{touch}", key.fingerprint()));
        let refused = |error: &dyn fmt::Display| not(format!("the ssh-agent did not sign: {error}"));
        let data = SshSig::signed_data(NAMESPACE, HashAlg::Sha512, statement.as_bytes());
        let data = data.map_err(|error| refused(&error))?;
        let signature = agent.sign(PublicKey::from(key.data().clone()), &data);
        let signature = signature.map_err(|error| refused(&error))?;
        let signed = SshSig::new(key.data().clone(), NAMESPACE, HashAlg::Sha512, signature);
        let armored =
            signed.and_then(|signed| signed.to_pem(LineEnding::LF)).map_err(|error| refused(&error))?;
        key.verify(statement, &armored).map_err(|error| refused(&error))?;
        Ok(one_line(&armored))
    }
}

fn not(why: String) -> ClientError {
    ClientError::Signing { why }
}
