//! Who may do what: one function, one table. A denial looks like absence, so that nobody learns what exists.

use deskbell_protocol::{AgentId, VisitorId};

use crate::store::Failure;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Principal {
    Agent(AgentId),
    Visitor(VisitorId),
}

impl Principal {
    /// The pair that names the principal in the database.
    pub(crate) fn key(&self) -> (i64, i64) {
        match self {
            Self::Agent(id) => (1, id.0),
            Self::Visitor(id) => (2, id.0),
        }
    }
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Read,
    Reply,
    WriteNote,
    StartConversation,
    MarkRead,
    SetState,
    Assign,
    Label,
    Edit,
    Attach,
    Search,
}

/// To what. Carries the facts the table needs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Object {
    /// The conversation with this visitor.
    Conversation(VisitorId),
    /// Visitors as agents see them.
    Visitor,
    /// What the team knows of a person.
    Contact,
    /// All conversations of the desk, notes included.
    Desk,
    /// An uploaded file, and the visitor to whom the message with it is shown.
    File { uploader: (i64, i64), shown_to: Option<VisitorId> },
}

/// The table.
fn allowed(principal: &Principal, action: Action, object: &Object) -> bool {
    use {Action as A, Object as O, Principal as P};
    match (principal, action, object) {
        (
            P::Agent(_),
            A::Read | A::Reply | A::WriteNote | A::MarkRead | A::SetState | A::Assign | A::Label,
            O::Conversation(_),
        ) => true,
        (P::Agent(_), A::StartConversation, O::Visitor) => true,
        (P::Agent(_), A::Edit, O::Contact) => true,
        (P::Agent(_), A::Search, O::Desk) => true,
        (P::Agent(_), A::Read, O::File { .. }) => true,
        (P::Visitor(id), A::Read | A::Reply | A::MarkRead, O::Conversation(visitor)) => id == visitor,
        (P::Visitor(id), A::Read, O::File { uploader, shown_to }) => {
            *uploader == principal.key() || *shown_to == Some(*id)
        }
        (P::Agent(_) | P::Visitor(_), A::Attach, O::File { uploader, .. }) => *uploader == principal.key(),
        _ => false,
    }
}

/// Lets pass, or says that there is no such thing.
pub(crate) fn authorize(principal: &Principal, action: Action, object: Object) -> Result<(), Failure> {
    if allowed(principal, action, &object) {
        return Ok(());
    }
    Err(Failure::not_found(match object {
        Object::Conversation(_) => "conversation",
        Object::Visitor => "visitor",
        Object::Contact => "contact",
        Object::Desk => "address",
        Object::File { .. } => "file",
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: Principal = Principal::Agent(AgentId(1));
    const VIC: Principal = Principal::Visitor(VisitorId(2));

    #[test]
    fn dk_25_a_visitor_reaches_their_own_conversation_and_nothing_else() {
        let own = Object::Conversation(VisitorId(2));
        let foreign = Object::Conversation(VisitorId(3));
        for action in [Action::Read, Action::Reply, Action::MarkRead] {
            assert!(allowed(&VIC, action, &own));
            assert!(!allowed(&VIC, action, &foreign));
        }
        for action in [
            Action::WriteNote,
            Action::SetState,
            Action::Assign,
            Action::Label,
            Action::StartConversation,
            Action::Edit,
        ] {
            for object in [own, foreign, Object::Contact, Object::Visitor] {
                assert!(!allowed(&VIC, action, &object), "{action:?} {object:?}");
            }
        }
    }

    #[test]
    fn od_16_agents_alone_search_the_desk() {
        assert!(allowed(&ANN, Action::Search, &Object::Desk));
        assert!(!allowed(&VIC, Action::Search, &Object::Desk));
    }

    #[test]
    fn tv_06_a_file_is_read_by_its_sender_and_by_those_it_is_shown_to() {
        let by_ann = |shown_to| Object::File { uploader: ANN.key(), shown_to };
        assert!(allowed(&VIC, Action::Read, &by_ann(Some(VisitorId(2)))));
        assert!(!allowed(&VIC, Action::Read, &by_ann(None)));
        assert!(!allowed(&VIC, Action::Read, &by_ann(Some(VisitorId(3)))));
        assert!(!allowed(&VIC, Action::Attach, &by_ann(Some(VisitorId(2)))));
        assert!(allowed(&ANN, Action::Attach, &by_ann(None)));
        let by_vic = Object::File { uploader: VIC.key(), shown_to: None };
        assert!(allowed(&VIC, Action::Read, &by_vic));
        assert!(!allowed(&ANN, Action::Attach, &by_vic));
    }
}
