//! Words of the map: what an event waits for, what a condition compares, who yields to whom.

use super::script::{check_on, play, run};
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

/// Sales yields to support while any ticket of the customer is open, and to billing while a person is to decide on it.
const CARE: &str = r#"
workspace = "acme"
governance_owner = "dana"

[[agent]]
id = "sales"
owner = "dana"
writes = ["crm/deal/*"]
outputs = ["mail/sales"]

[[agent]]
id = "support"
owner = "dana"
writes = ["support/ticket/*"]

[[defer]]
agent = "sales"
to = "support"
actions = ["send_*"]
while = ["support/ticket/{t}#customer = '{id}'", "support/ticket/{t}#status = 'open'"]
[[defer]]
agent = "sales"
to = "support"
actions = ["bill"]
while = "escalated"

[[queue]]
name = "ops"
owner = "dana"
review = "daily 09:00"
priority = ["sales", "support"]
"#;

#[test]
fn an_agent_waits_while_any_ticket_of_the_customer_is_open() {
    let mut world = check_on(
        CARE,
        "
        support writes support/ticket/1 customer=acme@0 status=open@0 -> committed
        support writes support/ticket/2 customer=Acme@0 status=OPEN@0 -> committed
        support writes support/ticket/3 customer=other@0 status=closed@0 -> committed
        sales acts mail/sales send_offer on crm/customer/other -> allowed
        sales acts mail/sales call on crm/customer/acme thread=c -> allowed
        ",
    );
    let told = run(&mut world, "sales acts mail/sales send_offer on crm/customer/acme waiting thread=d");
    let why = told.message.unwrap_or_default().to_string();
    let words = "while support/ticket/1#customer = 'acme' and support/ticket/1#status = 'open'";
    assert!(why.contains(words), "{why}");
    play(
        &mut world,
        "
        support writes support/ticket/1 status=closed@1 -> committed
        works
        support writes support/ticket/2 customer=other@1 -> committed
        works sales 1
        sales acts mail/sales send_offer on crm/customer/acme thread=d -> allowed
        sales acts mail/sales send_offer on crm/customer/other thread=e -> deferred deferred
        support archives support/ticket/2 @2 -> committed
        sales acts mail/sales send_offer on crm/customer/other thread=e -> allowed
        support creates support/ticket/2 -> committed
        sales acts mail/sales send_offer on crm/customer/other thread=f -> deferred deferred
        ",
    );
}

#[test]
fn an_agent_waits_while_an_item_on_the_subject_is_open() {
    let mut world = check_on(
        CARE,
        "
        sales acts mail/sales bill on crm/deal/7 thread=a -> allowed
        support escalates 'is it paid' because 'i do not know' on crm/deal/7 -> escalated
        support escalates 'is it theirs' because 'i do not know' on crm/deal/7 -> escalated
        sales acts mail/sales bill on crm/deal/8 thread=b -> allowed
        sales acts mail/sales bill on crm/deal/7 thread=c waiting -> deferred deferred
        dana handles #1 'it is' -> recorded
        works support 1
        dana handles #2 'it is' -> recorded
        works sales 1, support 2
        sales acts mail/sales bill on crm/deal/7 thread=c -> allowed
        ",
    );
    let reads = |world: &World| {
        deeds::domain::state::State::from_bytes(&world.state.to_bytes().unwrap()).unwrap() == world.state
    };
    assert!(reads(&world), "what is derived is the same again");
    play(
        &mut world,
        "dana undoes #2 -> recorded\n sales acts mail/sales bill on crm/deal/7 thread=c -> deferred deferred",
    );
    assert!(reads(&world));
}

/// Random tickets, moved and closed and brought back: the index says what looking at all of them would.
#[test]
fn the_index_says_what_a_look_at_all_would() {
    let mut world = check_on(CARE, "");
    let mut seed = 7_u64;
    let mut dice = |sides: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % sides
    };
    for step in 0..600 {
        let ticket = format!("support/ticket/{}", dice(8));
        let path: deeds::domain::path::EntityPath = ticket.parse().unwrap();
        let known = world.state.entities.get(&path).cloned();
        let version = |name: &str| {
            let name = name.parse().unwrap();
            known.as_ref().and_then(|known| known.field(&name)).map_or(0, |field| field.version.0)
        };
        let gone = known.as_ref().is_some_and(|known| known.gone.is_some());
        let whole = known.as_ref().map_or(0, |known| known.version.0);
        let line = match dice(6) {
            _ if gone => format!("support creates {ticket}"),
            0 if known.is_some() => format!("support deletes {ticket} @{whole}"),
            1 | 2 => format!(
                "support writes {ticket} customer={}@{}",
                ["a", "b", "C"][dice(3)],
                version("customer")
            ),
            _ => format!(
                "support writes {ticket} status={}@{}",
                ["open", "closed"][dice(2)],
                version("status")
            ),
        };
        run(&mut world, &line);
        for customer in ["a", "b", "c"] {
            let field = |entity: &deeds::domain::things::Entity, name: &str| {
                entity.field(&name.parse().unwrap()).map(|field| field.value.plain().to_lowercase())
            };
            let open = world.state.entities.iter().any(|(_, entity)| {
                entity.gone.is_none()
                    && field(&entity, "customer").as_deref() == Some(customer)
                    && field(&entity, "status").as_deref() == Some("open")
            });
            let asked =
                format!("sales acts mail/sales send_it on crm/customer/{customer} thread={step}-{customer}");
            assert_eq!(
                run(&mut world, &asked).outcome.as_str() == "deferred",
                open,
                "{step}: {line}, {customer}"
            );
        }
    }
    world.verify();
}

#[test]
fn an_agent_yields_to_a_person() {
    let map = CARE.replacen(
        "to = \"support\"\nactions = [\"bill\"]\nwhile = \"escalated\"",
        "to = \"dana\"\nwithin = \"5m\"",
        1,
    );
    let mut world = check_on(
        &map,
        "
        sales writes crm/deal/7 stage=open@0 -> committed
        dana sets crm/deal/7#stage 'won'@1 'they signed' for 1m -> committed
        ",
    );
    let told = run(&mut world, "sales writes crm/deal/7 value=7@0");
    assert_eq!(told.code.map(|code| code.to_string()).as_deref(), Some("deferred"));
    let why = told.message.unwrap_or_default();
    assert!(why.contains("dana goes first on crm/deal/7: they acted"), "{why}");
    assert!(told.until.is_some() && told.owners.is_empty());
    play(&mut world, "pass 6m\n sales writes crm/deal/7 value=7@0 -> committed");
    let written = world.state.board.map.model().to_toml();
    assert!(written.contains("to = \"person:dana\""), "{written}");
    assert_eq!(deeds::domain::map::parse(&written).model.as_ref(), Some(&**world.state.board.map.model()));
}

#[test]
fn what_only_moves_forward_may_have_several_writers() {
    let map = CARE
        .replacen("writes = [\"support/ticket/*\"]", "writes = [\"support/ticket/*\", \"crm/deal/*#stage\"]", 1)
        .replacen(
            "[[queue]]",
            "[[field]]\npath = \"crm/deal/*#stage\"\nkind = \"progression\"\norder = [\"new\", \"open\", \"won\"]\n[[queue]]",
            1,
        );
    check_on(
        &map,
        "
        sales writes crm/deal/7 stage=new@0 -> committed
        support writes crm/deal/7 stage=open@1 -> committed
        sales writes crm/deal/7 stage=new@2 -> refused backward
        sales writes crm/deal/7 stage=open@1 -> stale stale
        sales writes crm/deal/7 stage=open@2 -> committed
        support writes crm/deal/7 stage=won@3 -> committed
        alerts stale-write x1
        ",
    );
}

#[test]
fn a_short_code_may_be_followed_by_text() {
    let map = CARE.replacen(
        "outputs = [\"mail/sales\"]",
        "outputs = [\"mail/sales\"]\nescalates_when = [\"legal\", \"refund: over 500\"]",
        1,
    );
    let world = check_on(
        &map,
        "
        sales escalates 'a letter' because 'LEGAL: threatens to sue' -> escalated
        sales escalates 'a wish' because 'refund 700' -> escalated
        sales escalates 'another' because 'legally unclear' -> escalated
        ",
    );
    let unforeseen: Vec<bool> = world.state.board.items.values().map(|item| item.unforeseen).collect();
    assert_eq!(unforeseen, [false, false, true]);
}

const OFFER: &str =
    r#"{"do":"offer-zone","pattern":"crm/deal/*#stage","to":"support","reason":"support closes them"}"#;

#[test]
fn a_zone_goes_over_by_agreement() {
    let map = CARE.replacen("id = \"sales\"\nowner = \"dana\"", "id = \"sales\"\nowner = \"eve\"", 1);
    let map = map.replacen("owner = \"dana\"\nreview", "owner = \"dana\"\ndeputies = [\"sam\"]\nreview", 1);
    let mut world = check_on(
        &map,
        &format!(
            r#"
            sales sends '{{"do":"offer-zone","pattern":"crm/**","to":"support","reason":"all"}}' -> refused not-yours
            sales sends '{{"do":"offer-zone","pattern":"crm/deal/*","to":"nobody","reason":"all"}}' -> refused not-found
            sales sends '{{"do":"offer-zone","pattern":"crm/deal/*","to":"support","reason":" "}}' -> refused over-bound
            support sends '{OFFER}' -> refused overlap
            dana sends '{OFFER}' -> refused not-allowed
            sales sends '{OFFER}' -> escalated
            sales sends '{OFFER}' -> escalated
            items #1
            pass 20h
            sam approves #1 -> refused not-named
            dana handles #1 'done' -> refused wrong-state
            eve rejects #1 'not yet' -> recorded
            works sales 1
            sales sends '{OFFER}' -> escalated
            map v1
            eve approves #2 -> recorded
            map v2
            works sales 2, support 1
            support writes crm/deal/7 stage=won@0 -> committed
            sales writes crm/deal/7 stage=open@1 -> proposed not-owner
            eve undoes #2 -> refused used-since
            "#
        ),
    );
    let step = world.state.board.maps.back().unwrap();
    assert_eq!((step.by.name(), step.version.0), ("eve", 2));
    assert!(
        step.reason
            .as_ref()
            .unwrap()
            .contains("crm/deal/*#stage goes from sales to support, offered by sales")
    );
    let both = world.deeds.iter().find_map(|deed| match &deed.body {
        deeds::domain::deed::Body::ScopeTransferred(moved) => {
            moved.offered_by.clone().map(|by| (by, deed.actor.clone()))
        }
        _ => None,
    });
    let (offered, confirmed) = both.unwrap();
    assert_eq!((offered.as_str(), confirmed.name()), ("sales", "eve"));
    play(
        &mut world,
        r#"
        sales sends '{"do":"offer-zone","pattern":"crm/deal/*#value","to":"support","reason":"too"}' -> escalated
        dana approves #3 -> recorded
        map v3
        dana undoes #3 -> recorded
        map v4
        items #3
        sales writes crm/deal/8 value=7@0 -> committed
        "#,
    );
}
