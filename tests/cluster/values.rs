//! The entities of a workspace, as every node has them in its image, held against each other and against a replay of the ledger.

use serde_json::{Value, json};

use crate::checker::Book;
use crate::line::Line;
use crate::nodes::{Cluster, Space};

/// Every node has as many as the replay, and each with the same values, versions and writers.
pub(crate) fn are_same(cluster: &Cluster, space: &Space, book: &Book) {
    let state = book.replayed(space.name);
    let mut nodes: Vec<Line> =
        cluster.nodes.iter().map(|node| Line::open(&node.address, &space.dana).unwrap()).collect();
    for node in &mut nodes {
        assert_eq!(node.gauge("deeds_entities", None), state.volume.entities, "{}", space.name);
    }
    for (path, entity) in state.entities.iter() {
        let mut views = nodes.iter_mut().map(|node| look(node, &format!("/v1/entities/{path}")));
        let first = views.next().unwrap();
        assert!(views.all(|view| view == first), "{path} of {} is not the same at every node", space.name);
        let known = entity.fields.iter().map(|(name, field)| {
            let field =
                json!({"value": field.value, "version": field.version, "by": field.by, "at": field.at});
            (name.to_string(), field)
        });
        let known = json!([entity.version, known.collect::<serde_json::Map<_, _>>()]);
        assert_eq!(first, known, "{path} of {} is otherwise than recorded", space.name);
    }
}

/// Its version, and of each field what was written; without who owns it.
fn look(node: &mut Line, path: &str) -> Value {
    let (status, mut view) = node.ask("GET", path, "").unwrap();
    assert_eq!(status, 200, "{path}: {view}");
    let fields = view["fields"].as_object_mut().unwrap();
    for field in fields.values_mut() {
        field
            .as_object_mut()
            .unwrap()
            .retain(|key, _| ["value", "version", "by", "at"].contains(&key.as_str()));
    }
    json!([view["version"], view["fields"]])
}
