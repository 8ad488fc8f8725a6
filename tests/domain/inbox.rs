//! The decision inbox, RULES §12: what opens an item, who answers it, and what each answer does.

use super::script::{check, check_on, play, run};
use super::world::{TEAM, World, principal};
use deeds::domain::command::{Answered, Command, ItemStep, ItemVerb};
use deeds::domain::decide::{Preview, Supposed, preview};
use deeds::domain::ids::ItemNo;
use deeds::domain::things::{Case, ItemAnswer, WorkKind};

/// What an answer of this person's would do.
fn shown(world: &World, who: &str, no: u64, answer: &ItemAnswer) -> Preview {
    let item = &world.state.board.items[&ItemNo(no)];
    let supposed = Supposed { by: &principal(who), item, answer, include: &[] };
    preview(&world.state, &supposed, world.now)
}

fn expand(agent: &str, grant: &str) -> ItemAnswer {
    let grant = deeds::domain::map::Grant::Write(grant.parse().unwrap());
    ItemAnswer::Expand { agent: agent.parse().unwrap(), grant, note: None }
}

const THREE_ALIKE: &str = "
    sales writes support/macro/a text=hello@0 -> escalated unowned
    sales writes support/macro/b text=thanks@0 -> escalated unowned
    sales writes support/macro/c text=sorry@0 -> escalated unowned
    items #1 #2 #3
    ";

#[test]
fn expand_makes_a_new_map_and_decides_the_input_afresh() {
    let world = check(
        "
        sourcing writes crm/contact/7 score=9@0 -> escalated unowned
        = crm/contact/7#score nothing
        sam expands #1 sourcing writes crm/contact/*#score -> recorded
        = crm/contact/7#score 9 v1
        map v2
        items
        works sourcing 1
        sourcing writes crm/contact/8 score=3@0 -> committed
        ",
    );
    let closed = world.state.board.closed_item(ItemNo(1)).unwrap();
    let redone = &closed.effects.redone[0];
    let deed = world.deeds.iter().find(|deed| deed.seq == redone.deed).unwrap();
    assert_eq!((deed.actor.name(), deed.outcome.as_str()), ("sourcing", "committed"));
    assert!(deed.refs.first.is_some(), "it goes back to the first answer");
    let answer = world.deeds.iter().find(|deed| deed.seq == closed.deed).unwrap();
    assert_eq!(answer.correlation, deed.correlation, "one batch");
}

#[test]
fn the_suggestion_is_the_nearest_zone() {
    let world = check("sourcing writes crm/contact/7 score=9@0 -> escalated unowned");
    let item = &world.state.board.items[&ItemNo(1)];
    let suggestion = item.suggestion.as_ref().unwrap();
    assert_eq!(suggestion.agent.as_str(), "sourcing");
    assert_eq!(suggestion.grant.to_string(), "writes crm/contact/*#score");
    assert_eq!(item.queue.as_str(), "roadmap");
    assert!(matches!(&item.case, Case::UnownedField { write, .. } if write.changes.len() == 1));
    assert_eq!(item.evidence, [item.deed.0 - 1].map(deeds::domain::ids::Seq));
}

#[test]
fn expand_settles_those_alike() {
    let mut world = check(THREE_ALIKE);
    let shown = shown(&world, "dana", 2, &expand("sales", "support/macro/*"));
    assert_eq!(shown.map, Some((1, 2)));
    assert_eq!(shown.settles, [ItemNo(1), ItemNo(3)]);
    assert_eq!(shown.obstacle, None);
    play(
        &mut world,
        "
        dana expands #2 sales writes support/macro/* with #1,#3 -> recorded
        items
        = support/macro/a#text hello v1
        = support/macro/b#text thanks v1
        = support/macro/c#text sorry v1
        works sales 3
        ",
    );
    assert_eq!(world.state.board.closed_item(ItemNo(3)).unwrap().settled_with, Some(ItemNo(2)));
    let past = world.state.board.past.iter().next().unwrap().1;
    assert_eq!((past.expand, past.handle), (3, 0));
}

#[test]
fn only_those_alike_are_included() {
    check(&format!(
        "{THREE_ALIKE}
        sales escalates 'x' because 'y' -> escalated
        dana handles #1 'by phone' with #4 -> refused wrong-state
        dana handles #1 'by phone' with #1 -> refused wrong-state
        dana handles #1 'by phone' with #2,#2 -> refused wrong-state
        dana handles #1 'by phone' with #9 -> refused changed
        items #1 #2 #3 #4
        "
    ));
}

/// An answer about the scope settles what is of that scope; any other only the same case, whoever raised it.
#[test]
fn one_answer_does_not_settle_different_customers() {
    let mut world = check(&format!(
        "{THREE_ALIKE}
        dana handles #1 'by phone' with #2 -> refused wrong-state
        sales escalates 'move my flight' because 'outside the policy' on crm/account/a -> escalated
        sales escalates 'my wife died' because 'outside the policy' on crm/account/b -> escalated
        support escalates 'Move my  flight' because 'who decides?' on crm/account/a -> escalated
        dana handles #4 'moved' with #5 -> refused wrong-state
        "
    ));
    let handle = ItemAnswer::Handle { note: "moved".into(), reply: None, to: None };
    assert_eq!(shown(&world, "dana", 4, &handle).settles, [ItemNo(6)]);
    play(
        &mut world,
        "
        dana handles #4 'moved' with #6 -> recorded
        items #1 #2 #3 #5
        ",
    );
}

/// The same input again while it waits: one item with a count and times, and both callers learn its number.
#[test]
fn the_same_escalation_twice_is_one_item() {
    let mut world = check(
        "
        sales escalates 'a go for build 1' because 'outside the policy' on deploy/1 -> escalated
        pass 2m
        sales escalates 'a go for build 1' because 'still waiting' on deploy/1 -> escalated
        items #1
        support escalates 'a go for build 1' because 'outside the policy' on deploy/1 -> escalated
        sales escalates 'a go for build 1' because 'outside the policy' on deploy/2 -> escalated
        sales escalates 'a go for build 2' because 'outside the policy' on deploy/1 -> escalated
        items #1 #2 #3 #4
        ",
    );
    let item = &world.state.board.items[&ItemNo(1)];
    assert_eq!((item.joined, item.again.len(), item.version), (1, 1, 1));
    assert!(item.again[0] > item.opened);
    let reply = run(&mut world, "sales escalates 'a go for build 1' because 'now' on deploy/1");
    assert_eq!((reply.item, reply.outcome.as_str()), (Some(ItemNo(1)), "escalated"));
    let about: Vec<_> = world.state.board.about_the_same(&world.state.board.items[&ItemNo(1)]).collect();
    assert_eq!(about.iter().map(|item| item.no).collect::<Vec<_>>(), [ItemNo(2), ItemNo(4)]);
    play(
        &mut world,
        "
        dana handles #1 'go' -> recorded
        works sales 1
        sales escalates 'a go for build 1' because 'now' on deploy/1 -> escalated
        items #2 #3 #4 #5
        ",
    );
}

/// A rule says beforehand what it would have closed: what waits and what was answered.
#[test]
fn the_preview_of_a_rule_lists_what_it_would_have_closed() {
    let world = check(
        "
        sales escalates 'a hotel, please' because 'we sell none' on crm/account/a -> escalated
        dana handles #1 'sent them elsewhere' -> recorded
        sales escalates 'A hotel,  please' because 'we sell none' on crm/account/a -> escalated
        sales escalates 'A hotel,  please' because 'we sell none' on crm/account/a -> escalated
        support escalates 'a hotel, please' because 'who sells them?' on crm/account/a -> escalated
        sales escalates 'my wife died' because 'we sell none' on crm/account/b -> escalated
        ",
    );
    let rule = ItemAnswer::OutOfScope { reason: "we sell no hotels".into(), rule: true };
    let shown = shown(&world, "dana", 2, &rule);
    let closes: Vec<_> = shown.closes.iter().map(|one| (one.item.0, one.open, one.times)).collect();
    assert_eq!(closes, [(1, false, 1), (2, true, 2), (3, true, 1)]);
    assert!(shown.then[0].contains("this very input about crm/account/a"), "{shown:?}");
}

/// What a rule closes is closed beside what another owns too: that is proposed, and nobody is asked about the rest.
#[test]
fn a_rule_closes_its_part_of_a_write() {
    let mut world = check(
        "
        support writes crm/account/vip-1 tag=trial@0 -> escalated unowned
        dana drops #1 'we tag nothing' rule -> recorded
        ",
    );
    let both = run(&mut world, "sales writes crm/account/vip-1 tag=trial@0 health=good@0");
    assert_eq!((both.outcome.as_str(), both.item), ("proposed", None));
    let message = both.message.unwrap();
    assert!(message.contains("out of scope since #1 by dana: we tag nothing"), "{message}");
    play(
        &mut world,
        "items\n sales writes crm/account/vip-1 tag=other@0 health=good@0 -> proposed not-owner\n items #2",
    );
    world.verify();
}

/// What another owns is not expanded onto: the owner is named, and an admin may transfer it.
#[test]
fn an_overlap_is_refused_with_its_owner() {
    let mut world = check("sales escalates 'let me set the status' because 'they asked' -> escalated");
    let reply = run(&mut world, "dana expands #1 sales writes crm/contact/*#status");
    assert_eq!(reply.code.unwrap().as_str(), "overlap");
    let message = reply.message.unwrap();
    assert!(message.contains("sourcing") && message.contains("transfer"), "{message}");
    let shown = shown(&world, "dana", 1, &expand("sales", "crm/contact/*#status"));
    assert_eq!(shown.owner.unwrap().as_str(), "sourcing");
    play(
        &mut world,
        "
        map v1
        items #1
        dana transfers #1 crm/contact/*#status from sourcing to sales -> refused not-allowed
        dana! transfers #1 crm/contact/*#status from support to sales -> refused overlap
        dana! transfers #1 crm/contact/*#status from sourcing to sales -> recorded
        map v2
        sales writes crm/contact/7 status=new@0 -> committed
        sourcing writes crm/contact/7 status=sourced@1 -> proposed not-owner
        ",
    );
}

#[test]
fn what_an_agent_asked_comes_back_with_what_it_may_do_now() {
    let mut world = check(
        "
        sales escalates 'x' because 'y' on crm/deal/7 -> escalated
        sales escalates 'z' because 'y' on crm/ticket/8 -> escalated
        ",
    );
    let foretold = shown(&world, "dana", 1, &expand("sales", "crm/deal/*")).then;
    assert!(foretold.contains(&"sales gets the stored input as work".to_owned()), "{foretold:?}");
    play(
        &mut world,
        "
        dana expands #1 sales writes crm/deal/* -> recorded
        map v1
        works sales 1
        dana undoes #1 -> recorded
        works
        dana expands #1 support writes crm/ticket/* -> refused overlap
        dana expands #2 support writes crm/ticket/* -> recorded
        map v2
        works sales 1
        items #1
        ",
    );
    let work = world.state.board.works.values().find(|work| work.agent.as_str() == "sales").unwrap();
    let WorkKind::Decision { input, granted, .. } = &work.kind else { panic!("{work:?}") };
    assert_eq!(input.as_ref().unwrap().plain(), "z");
    assert_eq!(granted.as_ref().unwrap().to_string(), "support may write crm/ticket/*");
    assert!(work.kind.asks() && work.alarm.is_some(), "somebody waits for it");
}

/// A case always has somebody who may answer it.
#[test]
fn the_only_reviewer_answers_what_they_raised() {
    let raised = r#"
        sam sends '{"do":"raise","event":"new.lead"}' -> escalated unowned
        dana sends '{"do":"raise","event":"old.lead"}' -> escalated unowned
        "#;
    let own = "
        dana handles #1 'done' -> recorded
        dana handles #2 'mine' -> recorded
        ";
    check_on(&TEAM.replace("deputies = [\"sam\"]\n", ""), &format!("{raised}{own}"));
    check(&format!("{raised}{}", "dana handles #2 'mine' -> refused own-case"));
    // Where the owner may not, a deputy does not wait for half of the time.
    check(&format!("{raised}{}", "sam handles #2 'mine' -> recorded"));
}

#[test]
fn a_case_that_an_earlier_answer_settled_goes_through_without_a_new_map() {
    check(
        "
        sales writes crm/contact/1 score=1@0 -> escalated unowned
        sales writes crm/contact/2 score=2@0 -> escalated unowned
        dana expands #1 sales writes crm/contact/*#score -> recorded
        map v2
        dana expands #2 sales writes crm/contact/*#score -> recorded
        map v2
        = crm/contact/2#score 2 v1
        dana undoes #2 -> recorded
        map v2
        sales writes crm/contact/1 score=3@1 -> committed
        ",
    );
}

#[test]
fn an_unknown_agent_can_be_let_in() {
    let world = check(
        "
        newcomer writes blog/post title=hello@0 -> escalated unowned
        dana expands #1 newcomer writes blog/* -> recorded
        = blog/post#title hello v1
        newcomer writes blog/next title=more@0 -> committed
        ",
    );
    let entry = world.state.board.map.agent(&"newcomer".parse().unwrap()).unwrap();
    assert_eq!(entry.owner.as_str(), "dana");
}

#[test]
fn an_output_can_be_granted() {
    check(
        "
        sales acts slack/deals post_win on crm/deal/7 -> escalated unowned
        dana expands #1 sales outputs slack/deals -> recorded
        works sales 1
        sales done 1 -> committed
        sales acts slack/deals post_win on crm/deal/8 -> allowed
        support acts slack/deals post_win on crm/deal/8 -> refused not-owner
        ",
    );
}

#[test]
fn handle_leaves_the_scope_and_tells_the_agent() {
    let world = check(
        "
        sales escalates 'they want 90 days' because 'the customer wants special terms' on crm/deal/7 -> escalated
        dana handles #1 ' ' -> refused wrong-state
        dana handles #1 'I called them' -> recorded
        items
        map v1
        works sales 1
        ",
    );
    let work = world.state.board.works.values().next().unwrap();
    let WorkKind::Decision { answer, note, reply, .. } = &work.kind else { panic!("{work:?}") };
    assert_eq!((&**answer, note.as_deref()), ("handle", Some("I called them")));
    assert_eq!(reply.as_ref().unwrap().plain(), "noted");
}

#[test]
fn out_of_scope_with_a_rule_closes_that_input_on_arrival() {
    let world = check(
        "
        sales escalates 'cheap backlinks' because 'somebody sells something' -> escalated
        dana drops #1 ' ' -> refused wrong-state
        dana drops #1 'spam' rule -> recorded
        support escalates 'Cheap  backlinks' because 'another reason' -> refused out-of-scope
        sales escalates 'my mother died' because 'somebody sells something' -> escalated
        sales escalates 'cheap backlinks' because 'somebody sells something' on crm/account/acme -> escalated
        sales writes nowhere/a x=1@0 -> escalated unowned
        dana drops #4 'not ours' rule -> recorded
        support writes nowhere/a x=1@0 -> refused out-of-scope
        sales writes nowhere/b x=1@0 -> escalated unowned
        sales writes nowhere/a x=2@0 -> escalated unowned
        sales acts fax/all send on crm/account/acme -> escalated unowned
        dana drops #7 'no fax' rule -> recorded
        sales acts fax/all send on crm/account/acme dep=x/y#z@0 -> refused out-of-scope
        sales acts fax/all send on crm/account/other -> escalated unowned
        items #2 #3 #5 #6 #8
        ",
    );
    assert_eq!(world.state.board.rules.len(), 3);
    let refused = world.deeds.iter().rev().find(|deed| deed.outcome.as_str() == "refused").unwrap();
    assert!(refused.reason.as_ref().unwrap().contains("#7 by dana: no fax"));
}

#[test]
fn reasons_outside_the_map_are_unforeseen() {
    let world = check(
        "
        sales escalates 'a' because 'The customer wants  special terms' -> escalated
        sales escalates 'b' because 'a feeling' -> escalated
        sales escalates 'c' because ' ' -> refused over-bound
        ",
    );
    let unforeseen: Vec<bool> = world.state.board.items.values().map(|item| item.unforeseen).collect();
    assert_eq!(unforeseen, [false, true]);
}

/// The very same input again is a retry, not a new case.
#[test]
fn a_repeated_input_joins_the_waiting_item() {
    let world = check(
        "
        sales writes nowhere/a x=1@0 -> escalated unowned
        sales writes nowhere/a x=1@0 -> escalated unowned
        support writes nowhere/a x=1@0 -> escalated unowned
        items #1 #2
        ",
    );
    assert_eq!(world.state.board.items[&ItemNo(1)].joined, 1);
}

#[test]
fn only_those_named_on_the_queue_answer() {
    check(
        "
        sales escalates 'x' because 'y' -> escalated
        eve handles #1 'me' -> refused not-named
        eve claims #1 -> refused not-named
        ada handles #1 'I am the admin' -> refused not-named
        sam handles #1 'too early for a deputy' -> refused not-named
        pass 2h
        sam handles #1 'half the time is gone' -> recorded
        product escalates 'x' because 'y' -> escalated
        dana handles #2 'too early' -> refused not-named
        sam handles #2 'mine' -> recorded
        dana handles #2 'late' -> refused wrong-state
        dana handles #9 'what' -> refused not-found
        ",
    );
}

#[test]
fn items_are_claimed_released_and_handed_over() {
    check(
        "
        sales escalates 'x' because 'y' -> escalated
        dana releases #1 -> refused wrong-state
        dana claims #1 -> recorded
        pass 3h
        dana claims #1 -> recorded
        sam handles #1 'mine now' -> refused claimed
        sam claims #1 -> refused claimed
        dana reassigns #1 to eve -> refused not-named
        dana releases #1 -> recorded
        sam claims #1 -> recorded
        sam releases #1 -> recorded
        support escalates 'z' because 'y' -> escalated
        sam handles #2 'too early' -> refused not-named
        dana reassigns #2 to sam -> recorded
        sam handles #2 'it was handed to me' -> recorded
        items #1
        ",
    );
}

/// An answer is given to what was shown: the item's version, and the digest of its material.
#[test]
fn what_changed_since_is_shown_anew() {
    let mut world = check("sales escalates 'x' because 'y' -> escalated");
    let shown = world.state.board.items[&ItemNo(1)].clone();
    let answer = |version, digest: &str| {
        let answer = ItemAnswer::Handle { note: "so".into(), reply: None, to: None };
        let answered = Answered { answer, version, digest: digest.into(), include: Vec::new() };
        Command::Item(ItemStep { item: ItemNo(1), step: ItemVerb::Answer(answered) })
    };
    let reply = world.ask("dana", answer(shown.version, "0000"));
    assert_eq!(reply.code.unwrap().as_str(), "changed");
    play(&mut world, "dana claims #1 -> recorded");
    let reply = world.ask("dana", answer(shown.version, &shown.digest()));
    assert_eq!(reply.code.unwrap().as_str(), "changed");
    let now = world.state.board.items[&ItemNo(1)].clone();
    assert_eq!(now.digest(), shown.digest(), "a claim is no new material");
    assert_eq!(world.ask("dana", answer(now.version, &now.digest())).outcome.as_str(), "recorded");
    world.verify();
}

/// Ages, counts and joins do not change the digest; the case does.
#[test]
fn the_digest_is_of_the_material() {
    let mut world = World::new(TEAM);
    play(&mut world, "sales writes nowhere/a x=1@0 -> escalated unowned");
    let first = world.state.board.items[&ItemNo(1)].digest();
    play(&mut world, "sales writes nowhere/a x=1@0 -> escalated unowned\npass 3h\ntick");
    assert_eq!(world.state.board.items[&ItemNo(1)].digest(), first);
    let other = check("sales writes nowhere/a x=2@0 -> escalated unowned");
    assert_ne!(other.state.board.items[&ItemNo(1)].digest(), first);
}

/// An input that was let through under the new map can still be stale; the agent learns it.
#[test]
fn a_stored_input_can_be_stale_by_now() {
    let world = check(
        "
        sourcing writes crm/contact/7 score=9@0 -> escalated unowned
        sam sets crm/contact/7#score 4@0 'counted by hand' -> committed
        sam expands #1 sourcing writes crm/contact/*#score -> recorded
        = crm/contact/7#score 4 v1
        map v2
        items
        works sourcing 1
        alerts stale-write x1
        ",
    );
    let work = world.state.board.works.values().next().unwrap();
    let WorkKind::Decision { result, .. } = &work.kind else { panic!("{work:?}") };
    assert_eq!(result.as_ref().unwrap().outcome.as_str(), "stale");
}

/// Granted to somebody else, the stored input becomes a proposal to the new owner.
#[test]
fn granted_to_another_it_becomes_a_proposal() {
    check(
        "
        sales writes crm/contact/7 score=9@0 -> escalated unowned
        dana expands #1 sourcing writes crm/contact/*#score -> recorded
        = crm/contact/7#score nothing
        works sales 1, sourcing 1
        sourcing accepts 1 -> committed
        = crm/contact/7#score 9 v1
        ",
    );
}

/// A person who sends an alert to the inbox has not raised the conflict: whoever is named answers it.
#[test]
fn an_alert_that_a_person_sends_is_answered_by_those_named() {
    check(
        "
        support writes crm/account/acme health=good@0 -> committed
        support writes crm/account/acme health=bad@0 -> stale stale
        dana escalates !1 -> opened
        items #1
        eve handles #1 'not mine' -> refused not-named
        dana handles #1 'told support to read first' -> recorded
        alerts
        ",
    );
}

/// Handed to one deputy, it is that one's and the owner's; other deputies wait for another item.
#[test]
fn an_item_that_was_handed_over_is_not_every_deputys() {
    let team = TEAM.replacen("deputies = [\"sam\"]", "deputies = [\"sam\", \"eve\"]", 1);
    check_on(
        &team,
        "
        sales escalates 'a' because 'y' -> escalated
        sales escalates 'b' because 'z' -> escalated
        sales escalates 'c' because 'w' -> escalated
        dana reassigns #1 to sam -> recorded
        dana reassigns #2 to sam -> recorded
        dana reassigns #3 to dana -> recorded
        eve handles #1 'too early' -> refused not-named
        pass 3h
        eve handles #1 'it is not mine' -> refused not-named
        sam handles #1 'mine' -> recorded
        dana handles #2 'the queue is mine' -> recorded
        eve handles #3 'nobody has it' -> recorded
        ",
    );
}

/// The grant is made; the write of an agent that a person has stopped is not.
#[test]
fn an_answer_does_not_go_around_a_pause() {
    let mut world = check(
        "
        sourcing writes crm/contact/7 score=9@0 -> escalated unowned
        sales acts slack/deals post_win on crm/deal/7 -> escalated unowned
        sam pauses sourcing 'it loops' -> recorded
        sam pauses sales 'it loops' -> recorded
        ",
    );
    let shown = shown(&world, "sam", 1, &expand("sourcing", "crm/contact/*#score"));
    assert!(shown.then[1].contains("sourcing is paused: the stored input is not decided"), "{shown:?}");
    play(
        &mut world,
        "
        sam expands #1 sourcing writes crm/contact/*#score -> recorded
        dana expands #2 sales outputs slack/deals -> recorded
        = crm/contact/7#score nothing
        map v3
        items
        works sales 1, sourcing 1
        ",
    );
    assert!(world.state.board.acts.is_empty());
    for work in world.state.board.works.values() {
        let WorkKind::Decision { result, .. } = &work.kind else { panic!("{work:?}") };
        let deed = world.deeds.iter().find(|deed| deed.seq == result.as_ref().unwrap().deed).unwrap();
        assert_eq!((deed.outcome.as_str(), deed.code.unwrap().as_str()), ("refused", "paused"));
        assert!(work.title.contains("send it again"), "{}", work.title);
    }
    play(
        &mut world,
        "
        sam resumes sourcing 'it is mended' -> recorded
        sourcing writes crm/contact/7 score=9@0 -> committed
        ",
    );
}

/// Deeds found the conflict: there is no agent that could be told.
#[test]
fn the_preview_of_a_conflict_tells_no_agent() {
    let world = check(
        "
        sales writes crm/deal/7 stage=trial@0 -> committed
        sourcing writes crm/contact/7 status=sourced@0 -> committed
        sales writes crm/deal/8 stage=trial@0 -> committed
        sourcing writes crm/contact/8 status=sourced@0 -> committed
        items #1 #2
        ",
    );
    for answer in [
        ItemAnswer::Handle { note: "so".into(), reply: None, to: None },
        ItemAnswer::OutOfScope { reason: "no".into(), rule: true },
    ] {
        let shown = shown(&world, "dana", 1, &answer);
        assert!(shown.then[0].contains("no agent is told"), "{shown:?}");
        assert_eq!(shown.then[1..], ["alert #1 is resolved with your note".to_owned()]);
        assert!(shown.settles.is_empty() && shown.closes.is_empty(), "each conflict is looked at by itself");
    }
}

/// A path is a target too: the stored act is in the zone that the grant makes.
#[test]
fn an_act_on_a_path_is_let_go_by_a_grant_of_the_path() {
    let mut world = check("sales acts ext/slack/acme#post send_it on crm/deal/7 -> escalated unowned");
    let shown = shown(&world, "dana", 1, &expand("sales", "ext/slack/*#post"));
    assert_eq!(shown.then[1], "the stored input of sales is decided again at once: allowed");
    play(&mut world, "dana expands #1 sales writes ext/slack/*#post -> recorded");
    assert!(world.deeds.iter().any(|deed| deed.body.type_name() == "deeds.act.allowed"));
}

/// `to` names who gets an event; what is no event can't be given to anybody.
#[test]
fn what_is_no_event_is_given_to_nobody() {
    let given_up = "
        sales writes crm/account/acme health=good@0 -> proposed not-owner
        support takes 1 for 1m -> recorded
        support fails 1 'no' -> failed
        support takes 1 for 1m -> recorded
        support fails 1 'no' -> failed
        support takes 1 for 1m -> recorded
        support fails 1 'no' -> failed out-of-attempts
        ";
    let stuck = "
        sales hands draft-7 to support of 1 -> recorded
        support returns 1 'too long' -> escalated out-of-attempts
        ";
    for script in [given_up, stuck] {
        let mut world = check(script);
        let to = Some("support".parse().unwrap());
        let shown = shown(&world, "dana", 1, &ItemAnswer::Handle { note: "so".into(), reply: None, to });
        assert!(shown.obstacle.as_ref().unwrap().contains("#1 is no event"), "{shown:?}");
        play(&mut world, "dana forwards #1 support 'so' -> refused wrong-state");
    }
}

/// Who may not answer sees that before anything else.
#[test]
fn a_preview_is_of_an_answer_by_whom_it_shows_it_to() {
    let world = check(THREE_ALIKE);
    let answer = expand("sales", "support/macro/*");
    let code = |who: &str| shown(&world, who, 1, &answer).code.map(|code| code.to_string());
    assert_eq!(code("dana"), None);
    assert_eq!(code("sam").as_deref(), Some("not-named"), "a deputy, before half the time");
    assert_eq!(code("eve").as_deref(), Some("not-named"));
    assert_eq!(code("sales").as_deref(), Some("agent-token"));
}
