//! Words of the map: what an event waits for, what a condition compares, who yields to whom.

use super::script::{check_on, play};
use super::world::World;
use deeds::domain::things::WorkKind;

const DESK: &str = r#"
workspace = "acme"
governance_owner = "dana"

[[agent]]
id = "sales"
owner = "dana"
writes = ["crm/contact/*", "crm/deal/*"]

[[agent]]
id = "watch"
owner = "dana"
writes = ["reports/*"]
triggers = ["contact.*", "status.changed"]
hidden = ["crm/contact/*#salary"]

[[event]]
name = "contact.created"
on = "crm/contact/* created"
[[event]]
name = "contact.changed"
on = "crm/contact/* changed"
[[event]]
name = "contact.deleted"
on = "crm/contact/* deleted"
[[event]]
name = "status.changed"
on = "crm/contact/*#status changed"

[[queue]]
name = "ops"
owner = "dana"
review = "daily 09:00"
priority = ["sales", "watch"]
"#;

/// Each dispatch that waits: its event and its attributes.
fn heard(world: &World) -> Vec<String> {
    let one = |work: &std::sync::Arc<deeds::domain::things::Work>| match &work.kind {
        WorkKind::Dispatch { event, attributes, .. } => {
            let words: Vec<String> =
                attributes.iter().map(|(name, value)| format!("{name}={}", value.plain())).collect();
            Some(format!("{event} {}", words.join(" ")))
        }
        _ => None,
    };
    world.state.board.works.values().filter_map(one).collect()
}

#[test]
fn what_happens_to_an_entity_raises_one_event() {
    let mut world = check_on(DESK, "sales creates crm/contact/7 status=new name=ada -> committed");
    let created = "contact.created action=create by=sales fields=[\"name\",\"status\"] path=crm/contact/7";
    let status = "status.changed before=null by=sales path=crm/contact/7#status value=new";
    assert_eq!(heard(&world), [created, status]);
    play(
        &mut world,
        "
        sales writes crm/contact/7 status=won@1 name=bob@1 -> committed
        sales writes crm/contact/7 status=won@2 -> committed
        ",
    );
    let changed = "contact.changed action=write by=sales fields=[\"name\",\"status\"] path=crm/contact/7";
    let status = "status.changed before=new by=sales path=crm/contact/7#status value=won";
    assert_eq!(heard(&world).split_off(2), [changed, status], "what stays as it was is no change");
    play(
        &mut world,
        "
        watch takes x9 -> recorded
        watch completes 1 -> recorded
        watch completes 2 -> recorded
        watch completes 3 -> recorded
        watch completes 4 -> recorded
        sales deletes crm/contact/7 @3 -> committed
        sales creates crm/contact/7 -> committed
        sales writes crm/contact/8 name=eve@0 -> committed
        sales writes crm/deal/7 stage=open@0 -> committed
        ",
    );
    let deleted = "contact.deleted action=delete by=sales fields=[] path=crm/contact/7";
    let back = "contact.created action=create by=sales fields=[] path=crm/contact/7";
    let other = "contact.created action=write by=sales fields=[\"name\"] path=crm/contact/8";
    assert_eq!(heard(&world), [deleted, back, other]);
    let of = world.deeds.iter().filter_map(|deed| match &deed.body {
        deeds::domain::deed::Body::EventRaised(event) => event.of.as_ref().map(ToString::to_string),
        _ => None,
    });
    assert!(of.clone().any(|of| of == "crm/contact/7") && of.clone().any(|of| of == "crm/contact/7#status"));
}

#[test]
fn whoever_may_not_see_a_changed_field_hears_only_of_the_entity() {
    let world = check_on(
        DESK,
        "
        sales creates crm/contact/7 status=new -> committed
        sales writes crm/contact/7 status=won@1 salary=90000@0 -> committed
        ",
    );
    let last = heard(&world).split_off(2);
    assert_eq!(
        last,
        [
            "contact.changed path=crm/contact/7",
            "status.changed before=new by=sales path=crm/contact/7#status value=won"
        ]
    );
    let watch: deeds::domain::ids::AgentId = "watch".parse().unwrap();
    let sight = deeds::domain::sight::Sight::now(&watch, &world.state.board.map);
    let seen = |deed: &&deeds::domain::deed::Deed| deed.is_seen_by(&sight);
    let told: Vec<String> = world.deeds.iter().filter(seen).map(|deed| format!("{deed:?}")).collect();
    assert!(!told.iter().any(|deed| deed.contains("salary")), "{told:#?}");
}

/// With upper and lower case in what is compared, and without.
const CASES: &str = r#"
workspace = "acme"
governance_owner = "dana"

[[agent]]
id = "billing"
owner = "dana"
triggers = ["email.received", "won"]
writes = ["crm/deal/*", "crm/left/*"]

[[agent]]
id = "sales"
owner = "dana"
triggers = ["email.received"]
writes = ["crm/right/*"]
outputs = ["mail/sales"]

[[event]]
name = "email.received"
[[event]]
name = "won"
on = "crm/deal/*#stage becomes 'won'"

[[route]]
event = "email.received"
when = { subject = "*Invoice*" }
agent = "billing"

[[defer]]
agent = "sales"
to = "billing"
while = "crm/deal/{id}#stage = 'open'"

[[contradiction]]
name = "both"
all = ["crm/left/{id}#x = 'yes'", "crm/right/{id}#x = 'no'"]

[[queue]]
name = "ops"
owner = "dana"
review = "daily 09:00"
priority = ["billing", "sales"]
"#;

#[test]
fn conditions_take_upper_and_lower_case_for_one() {
    let mail =
        r#"dana sends '{"do":"raise","event":"email.received","attributes":{"subject":"RE: INVOICE 12"}}'"#;
    let rest = "
        billing writes crm/deal/7 stage=OPEN@0 -> committed
        sales acts mail/sales send on crm/deal/7 -> deferred deferred
        billing writes crm/deal/7 stage=Won@1 -> committed
        billing writes crm/deal/7 stage=won@2 -> committed
        works billing 2
        billing writes crm/left/7 x=YES@0 -> committed
        sales writes crm/right/7 x=No@0 -> committed
        alerts contradiction x1
        ";
    let world = check_on(CASES, &format!("{mail} -> recorded\n{rest}"));
    assert_eq!(
        heard(&world),
        [
            "email.received subject=RE: INVOICE 12",
            "won before=OPEN by=billing path=crm/deal/7#stage value=Won"
        ]
    );

    let exact = ["agent = \"billing\"\n\n[[defer]]", "on = \"crm", "while = ", "all = "];
    let exact = exact.iter().fold(CASES.to_owned(), |map, place| {
        assert!(map.contains(place), "{place}");
        map.replacen(place, &format!("case = true\n{place}"), 1)
    });
    let rest = "
        billing writes crm/deal/7 stage=OPEN@0 -> committed
        sales acts mail/sales send on crm/deal/7 -> allowed
        billing writes crm/deal/7 stage=Won@1 -> committed
        billing writes crm/deal/7 stage=won@2 -> committed
        billing writes crm/left/7 x=YES@0 -> committed
        sales writes crm/right/7 x=No@0 -> committed
        alerts trigger-collision x1
        ";
    let world = check_on(&exact, &format!("{mail} -> escalated collision\n{rest}"));
    assert_eq!(heard(&world), ["won before=Won by=billing path=crm/deal/7#stage value=won"]);
}
