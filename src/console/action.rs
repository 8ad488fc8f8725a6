//! Everything that a person can ask of the console, as one closed list. Keys are mapped to these; hints, help and palette
//! are printed from the same table. What an action does lives in `update`, never here.

/// Which part of help an action is listed under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Moving about.
    Move,
    /// Going to places.
    Go,
    /// Looking closer.
    Look,
    /// Deciding and changing.
    Decide,
    /// The console itself.
    Console,
    /// The clock of a rehearsal.
    Rehearsal,
}

impl Group {
    /// The heading in help.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Move => "Move",
            Self::Go => "Go to",
            Self::Look => "Look closer",
            Self::Decide => "Decide",
            Self::Console => "Console",
            Self::Rehearsal => "Rehearsal",
        }
    }
}

/// Whether an action leads to a change that others see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// Nothing changes but this screen.
    Looks,
    /// Opens or confirms something that changes what others see: never on a ctrl letter, never with alt, never by paste or
    /// type-ahead.
    Decides,
}

macro_rules! actions {
    ($($variant:ident $name:literal $label:literal $group:ident $weight:ident $help:literal;)*) => {
        /// One thing that a person can ask of the console.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Action {
            $(#[doc = $help] $variant,)*
        }

        impl Action {
            /// All of them, in the order of help.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in keymap files.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The one or two words of the hint line.
            pub fn label(self) -> &'static str {
                match self { $(Self::$variant => $label,)* }
            }

            /// The sentence of help and palette.
            pub fn help(self) -> &'static str {
                match self { $(Self::$variant => $help,)* }
            }

            /// Where help lists it.
            pub fn group(self) -> Group {
                match self { $(Self::$variant => Group::$group,)* }
            }

            /// Whether it changes what others see.
            pub fn weight(self) -> Weight {
                match self { $(Self::$variant => Weight::$weight,)* }
            }
        }
    };
}

actions! {
    Up "up" "up" Move Looks "One line up";
    Down "down" "down" Move Looks "One line down";
    Left "left" "sideways back" Move Looks "Left, or close a branch; rows that do not fit are scrolled";
    Right "right" "sideways" Move Looks "Right, or open a branch; rows that do not fit are scrolled";
    PageUp "page-up" "page up" Move Looks "One page up";
    PageDown "page-down" "page down" Move Looks "One page down";
    HalfUp "half-page-up" "half up" Move Looks "Half a page up";
    HalfDown "half-page-down" "half down" Move Looks "Half a page down";
    First "first" "first" Move Looks "To the first line";
    Last "last" "last" Move Looks "To the last line";
    NextPane "next-pane" "next" Move Looks "To the next pane, field, button or deed";
    PreviousPane "previous-pane" "previous" Move Looks "To the pane, field, button or deed before";
    NextMatch "next-match" "next" Move Looks "To the next match or the next one that needs attention";
    PreviousMatch "previous-match" "previous" Move Looks "To the match or the one that needs attention before";
    Earlier "earlier" "earlier" Move Looks "Back in time by a whole window";
    Later "later" "later" Move Looks "On in time by a whole window";
    ScrollUp "scroll-up" "scroll up" Move Looks "Scroll the detail up";
    ScrollDown "scroll-down" "scroll down" Move Looks "Scroll the detail down";

    ViewInbox "view-inbox" "inbox" Go Looks "Inbox: the decisions that wait";
    ViewLog "view-log" "log" Go Looks "Log: everything that happened";
    ViewMap "view-map" "map" Go Looks "Map: who owns what";
    ViewConflicts "view-conflicts" "conflicts" Go Looks "Conflicts: the open alerts";
    ViewAgents "view-agents" "agents" Go Looks "Agents: who acts, and how ready each is";
    ViewWork "view-work" "work" Go Looks "Work: queues, handoffs, fan-outs, leases";
    ViewWatch "view-watch" "watch" Go Looks "Watch: the last minutes, a lane for each agent";
    Workspace "switch-workspace" "workspace" Go Looks "Switch to another workspace";
    Back "back" "back" Go Looks "Back to the place before";
    Forward "forward" "forward" Go Looks "Forward again";
    AsOf "as-of" "as of" Go Looks "Look at how it was: at a time, or after a deed";
    AsOfHere "as-of-here" "as of here" Go Looks "Look at everything as it was after this deed";
    Present "present" "present" Go Looks "Back from the past to the present";
    Palette "palette" "go to" Go Looks "Go to anything: commands, cases, alerts, agents, paths, records, times";

    Open "open" "open" Look Looks "Open what is under the cursor";
    Close "close" "close" Look Looks "Close, cancel, or leave";
    Peek "peek" "record" Look Looks "The page of the record or agent under the cursor";
    Filter "filter" "filter" Look Looks "Filter, or ask who owns a path";
    Follow "follow" "follow" Look Looks "Follow what is new, or hold still";
    Trace "trace" "trace" Look Looks "Everything that happened to this entity";
    Causes "causes" "causes" Look Looks "The chain of causes of this deed";
    Replay "replay" "replay" Look Looks "Play both sides of the alert step by step, and what another map would have said";
    Faster "faster" "faster" Look Looks "Play it faster";
    Slower "slower" "slower" Look Looks "Play it slower";
    HowItWas "how-it-was" "how it was" Look Looks "Look at how everything was when this happened";
    Raw "raw" "raw" Look Looks "The original: as JSON, then as hex";
    Zoom "zoom" "zoom" Look Looks "Zoom the timeline in or out";
    ZoomIn "zoom-in" "closer" Look Looks "Less time, told more finely";
    ZoomOut "zoom-out" "wider" Look Looks "More time at once";
    SaveFilter "save-filter" "name it" Look Looks "Keep the filter under a name, change the name, or throw it away";
    Bookmark "bookmark" "bookmark" Look Looks "Bookmark, or take the bookmark away";
    Resolved "show-resolved" "resolved" Look Looks "Show resolved ones too, or only what is open";
    Toggle "toggle" "tree/matrix" Look Looks "The other way of showing this";
    UnownedFirst "unowned-first" "unowned" Look Looks "What nobody owns on top, or where it belongs";
    Copy "copy" "copy" Look Looks "Copy to the clipboard";
    Export "export" "export" Look Looks "Export what the filter shows, as JSONL or CSV";

    Expand "expand" "expand" Decide Decides "Expand: an agent's zone grows by what it asked for";
    Handle "handle" "handle" Decide Decides "Handle: this case by hand, the scope stays";
    OutOfScope "out-of-scope" "out of scope" Decide Decides "Out of scope: classify and close";
    SendOn "send-on" "send on" Decide Decides "Send on: another attempt at a task that leads nowhere";
    Ruling "ruling" "ruling" Decide Decides "Ruling: which side of a contradiction is right, or what is";
    Approve "approve" "approve" Decide Decides "Approve: the publication goes out as it is";
    ApproveEdited "approve-edited" "edit" Decide Decides "Approve with edits: it goes out with your text";
    Reject "reject" "reject" Decide Decides "Reject: the publication does not go out";
    Claim "claim" "claim" Decide Decides "Claim, so that no other reviewer takes it; take over what another has claimed";
    Away "away" "away" Decide Decides "Go away: deputies answer at once; again when you are back";
    Release "release" "release" Decide Decides "Release a claim";
    Reassign "reassign" "reassign" Decide Decides "Hand to another named reviewer";
    Undo "undo" "undo" Decide Decides "Undo the last answer";
    Mark "mark" "mark" Decide Looks "Mark for answering several at once";
    MarkAlike "mark-alike" "mark alike" Decide Looks "Mark all that are like this one";
    ClearMarks "clear-marks" "clear marks" Decide Looks "Take all marks away";
    Review "review" "review" Decide Looks "Start the review: one case at a time; again to end it";
    Acknowledge "acknowledge" "ack" Decide Decides "Acknowledge the alert";
    Resolve "resolve" "resolve" Decide Decides "Resolve the alert with a note";
    Escalate "escalate" "to inbox" Decide Decides "Send the alert to the inbox";
    Freeze "freeze" "freeze" Decide Decides "Freeze the entity, so that all agents keep off it; again to let them back";
    Pause "pause" "pause" Decide Decides "Pause the agent; again to let it go on";
    Allow "allow" "allow" Decide Decides "Let more be kept for the agent, or as much as the settings say again";
    PauseAll "pause-all" "pause all" Decide Decides "Pause every agent; again to let all go on";
    SetField "set-field" "set" Decide Decides "Set a field yourself";
    Revert "revert" "revert" Decide Decides "Revert a field to an earlier version";
    Unlock "unlock" "unlock" Decide Decides "End a lease by force, or let go of a held field";
    OlderVersion "older-version" "older" Look Looks "What made the map in force, then the versions before it";
    NewerVersion "newer-version" "newer" Look Looks "The version of the map after the one that is shown";
    EditMap "edit-map" "edit map" Decide Looks "Open the map in the editor, check it, and apply it";
    Confirm "confirm" "confirm" Decide Decides "Confirm: press the chosen button";
    ToggleField "toggle-field" "tick" Decide Looks "Tick or untick the field";

    Submit "submit" "done" Console Looks "Take what was typed";
    Complete "complete" "complete" Console Looks "Complete what is being typed";
    NextSuggestion "next-suggestion" "next" Console Looks "The next suggestion";
    PreviousSuggestion "previous-suggestion" "previous" Console Looks "The suggestion before";
    Mouse "mouse" "mouse" Console Looks "Mouse on or off (off: the terminal selects text)";
    ReloadTheme "reload-theme" "theme" Console Looks "Read your theme file again";
    Redraw "redraw" "redraw" Console Looks "Draw everything anew";
    Suspend "suspend" "suspend" Console Looks "Stop and go back to the shell; `fg` returns";
    Help "help" "help" Console Looks "The keys of this view";
    Quit "quit" "quit" Console Looks "Quit";

    RehearsalPause "rehearsal-pause" "pause time" Rehearsal Looks "Let the time stand still, or go on";
    RehearsalDay "rehearsal-day" "a day on" Rehearsal Looks "On to the end of the day, and stand still there";
    RehearsalFaster "rehearsal-faster" "faster" Rehearsal Looks "Let the time pass faster";
    RehearsalSlower "rehearsal-slower" "slower" Rehearsal Looks "Let the time pass slower";
    RehearsalNotes "rehearsal-notes" "what differs" Rehearsal Looks "What comes out otherwise, or what has come to be";
}

impl Action {
    /// The action of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.name() == name)
    }

    /// Whether it overrides what is under the cursor, in any view.
    pub fn overrides(self) -> bool {
        matches!(
            self,
            Self::Freeze
                | Self::Pause
                | Self::Allow
                | Self::PauseAll
                | Self::SetField
                | Self::Revert
                | Self::Unlock
        )
    }

    /// Whether it changes what others see.
    pub fn decides(self) -> bool {
        self.weight() == Weight::Decides
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_found() {
        let names: BTreeSet<_> = Action::ALL.iter().map(|action| action.name()).collect();
        assert_eq!(names.len(), Action::ALL.len());
        for action in Action::ALL {
            assert_eq!(Action::named(action.name()), Some(*action));
        }
    }
}
