//! What a misspelt name probably was.

/// The nearest of the known names; `None` if none is near.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (name.chars().count() / 3).max(1);
    known
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(far, _)| *far <= limit)
        .min()
        .map(|near| near.1)
}

/// How many letters must be added, removed, replaced or swapped with a neighbour, whatever their case.
fn distance(a: &str, b: &str) -> usize {
    strsim::osa_distance(&a.to_lowercase(), &b.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found() {
        let known = ["writes", "reads", "escalates_to", "id"];
        for (name, expected) in [
            ("wirtes", Some("writes")),
            ("write", Some("writes")),
            ("Reads", Some("reads")),
            ("escalate_to", Some("escalates_to")),
            ("di", Some("id")),
            ("banana", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, known.into_iter()), expected, "{name}");
        }
    }
}
