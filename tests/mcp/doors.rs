//! By which door an agent comes is recorded, and told to people.

use serde_json::json;

use crate::client::{Agent, Kind};
use crate::support::Server;

#[tokio::test(flavor = "multi_thread")]
async fn people_see_by_which_doors_an_agent_comes() {
    let mut server = Server::start().await;
    let sales = server.agent("sales").await;
    let doors = async |server: &Server| {
        let agents = server.dana.get("/v1/agents").await;
        let agents = agents["agents"].as_array().unwrap().clone();
        let line = agents.iter().find(|line| line["agent"] == "sales").unwrap();
        line["standing"]["doors"].clone()
    };
    assert_eq!(doors(&server).await, json!({}));
    let write = json!({"entity": "pipeline/p", "changes": {"stage": "new"}, "expected": {"stage": 0}});
    sales.post("/v1/writes", write).await;
    let before = doors(&server).await;
    assert!(before["http"]["first"].is_string() && before["mcp"].is_null(), "{before}");
    for kind in [Kind::Http26, Kind::Stdio25] {
        let agent = Agent::new(&sales, kind).await;
        agent.call("escalate", json!({"input": format!("{kind:?}"), "why": "?"})).await;
        agent.end().await;
    }
    let after = doors(&server).await;
    assert_eq!(after["http"], before["http"], "{after}");
    assert!(after["mcp"]["first"].as_str() < after["mcp"]["last"].as_str(), "{after}");
    let page = server.dana.get("/v1/ledger").await;
    let asked = page["deeds"].as_array().unwrap().iter().map(|line| &line["deed"]["data"]);
    let came = asked.filter(|data| data["action"] == "escalate").map(|data| data["door"].clone());
    assert_eq!(came.collect::<Vec<_>>(), [json!("mcp"), json!("mcp")], "{}", page.text);
    // A restart folds to the same.
    server = server.restart().await;
    assert_eq!(doors(&server).await, after);
    let gateway = json!({"input": "by a gateway", "why": "?"}).to_string();
    let gateway = sales.request("POST", "/v1/escalations").header("deeds-door", "gateway").body(gateway);
    assert_eq!(crate::support::came(gateway).await["outcome"], "escalated");
    assert!(doors(&server).await["gateway"]["first"].is_string());
    let unknown = sales.request("POST", "/v1/escalations").header("deeds-door", "cellar").body("{}");
    assert_eq!(crate::support::came(unknown).await["code"], "bad-header");
    server.stop().await;
}
