//! The page's types, written from Rust so that the two cannot disagree.

use std::fmt::Write as _;

use deskbell_protocol as protocol;
use ts_rs::{Config, TS};

use crate::types::*;

/// Opens every generated file.
const HEADER: &str = "// Written by `cargo xtask codegen` from the Rust types; do not edit.\n\n";

/// Appends `export type …` of a type, with its documentation.
macro_rules! declare {
    ($out:expr, $config:expr, $($type:ty),* $(,)?) => {
        $({
            if let Some(docs) = <$type as TS>::docs() { $out.push_str(&docs); }
            let _ = writeln!($out, "export {}\n", <$type as TS>::decl($config));
        })*
    };
}

macro_rules! command_map {
    ($($(#[$doc:meta])* $name:ident($request:ty) -> $response:ty;)*) => {
        /// `name: [request, response]` of every command.
        fn command_map(config: &Config) -> String {
            let mut out = String::from("/** Every command: its request and its response. */\nexport interface Commands {\n");
            $( let _ = writeln!(out, "  {}: [{}, {}];", stringify!($name), <$request as TS>::name(config), <$response as TS>::name(config)); )*
            out.push_str("}\n");
            out
        }

        /// The commands' names, in the order of the list.
        pub const COMMAND_NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}
crate::with_commands!(command_map);

/// The types and the command map of the app's page.
pub fn typescript() -> String {
    let config = Config::new().with_large_int("number");
    let mut out = String::from(HEADER);
    declare!(
        out,
        &config,
        protocol::AgentId,
        protocol::AttachmentId,
        protocol::CannedTextId,
        protocol::TeamId,
        protocol::TextOwner,
        protocol::MessageId,
        protocol::ClientId,
        protocol::Seq,
        AccountId,
        ConversationRef,
        VisitorRef,
        ContactRef,
        protocol::ErrorCode,
        protocol::FieldKind,
        protocol::FormAnswer,
        protocol::Region,
        protocol::Verified,
        protocol::ItemKind,
        protocol::ItemState,
        protocol::PageView,
        protocol::ConversationState,
        protocol::Priority,
        protocol::Holder,
        protocol::MessageKind,
        protocol::Author,
        protocol::PictureSize,
        protocol::Attachment,
        protocol::ArticleId,
        protocol::ArticleCard,
        ApiErrorCode,
        ApiError,
        StartView,
        AccountState,
        AccountView,
        KeyPlace,
        Theme,
        Language,
        Settings,
        BoxState,
        BoxRecord,
        SyncState,
        SyncView,
        Folder,
        ListConversations,
        ConversationList,
        AccountCounts,
        Counts,
        ConversationRow,
        Participant,
        StartInternal,
        ChangeParticipants,
        Follow,
        Preview,
        ListMessages,
        LoadOlder,
        Thread,
        TextPart,
        Delivery,
        MessageView,
        VisitorRow,
        VisitorDetails,
        PastConversation,
        LinkedItem,
        CannedTextView,
        HitKind,
        SearchHit,
        DeskHits,
        FileView,
        Nothing,
        ForAccount,
        SignOut,
        ConnectDesk,
        AskDesk,
        DeskOffer,
        BeginAtProvider,
        ProviderCode,
        ForConversation,
        ForVisitor,
        SendMessage,
        TakenBack,
        AskHealth,
        SyncHealth,
        AccountSync,
        Queued,
        ForQueued,
        SetState,
        Snooze,
        EditMessage,
        DeleteMessage,
        ChangeLabels,
        FindLabels,
        RefusedDeed,
        Deed,
        AssignTo,
        Assign,
        Assignee,
        AssignableTeam,
        Assignees,
        SetPriority,
        MarkRead,
        SetTyping,
        SetFocus,
        EditContact,
        protocol::Device,
        RevokeDevice,
        FindCannedTexts,
        UseCannedText,
        Search,
        Draft,
        SaveBoxes,
        ForFile,
        AddFile,
        ForAttachment,
        SavedFile,
        OpenLink,
        OpenPage,
        AppEvent,
    );
    out.push_str(&command_map(&config));
    out
}

/// The frames that the widget speaks.
pub fn widget_typescript() -> String {
    let config = Config::new().with_large_int("number");
    let mut out = String::from(HEADER);
    declare!(
        out,
        &config,
        protocol::AgentId,
        protocol::AttachmentId,
        protocol::ContactId,
        protocol::ConversationId,
        protocol::MessageId,
        protocol::SiteId,
        protocol::CannedTextId,
        protocol::ArticleId,
        protocol::TeamId,
        protocol::FlowId,
        protocol::VisitorId,
        protocol::ClientId,
        protocol::Seq,
        protocol::Cursor,
        protocol::ErrorCode,
        protocol::Refusal,
        protocol::ConversationState,
        protocol::Priority,
        protocol::Holder,
        protocol::ConversationKind,
        protocol::MessageKind,
        protocol::Author,
        protocol::PictureSize,
        protocol::Attachment,
        protocol::Upload,
        protocol::ArticleCard,
        protocol::ReadArticle,
        protocol::Choice,
        protocol::Message,
        protocol::Conversation,
        protocol::EntityKind,
        protocol::ChangeKind,
        protocol::Change,
        protocol::http::LinkKind,
        protocol::http::LinkSeen,
        protocol::http::ProviderSeen,
        protocol::VisitorPart,
        protocol::PageSeen,
        protocol::VisitorHello,
        protocol::Hello,
        protocol::FieldKind,
        protocol::FormKind,
        protocol::AskedChoice,
        protocol::Asked,
        protocol::AskedForms,
        protocol::DeskTexts,
        protocol::VisitorWelcome,
        protocol::SyncMode,
        protocol::Welcome,
        protocol::ResetReason,
        protocol::Reset,
        protocol::SnapshotPage,
        protocol::SnapshotNext,
        protocol::SnapshotEnd,
        protocol::SnapshotAt,
        protocol::Seen,
        protocol::Delta,
        protocol::Ack,
        protocol::Nack,
        protocol::HistoryRequest,
        protocol::HistoryPage,
        protocol::VisitorPresence,
        protocol::Ephemeral,
        protocol::Suppressed,
        protocol::RingOutcome,
        protocol::RingAck,
        protocol::Ring,
        protocol::ClientHeartbeat,
        protocol::ServerHeartbeat,
        protocol::ByeCode,
        protocol::Bye,
        protocol::Command,
        protocol::CommandFrame,
        protocol::ClientFrame,
        protocol::ServerFrame,
    );
    out
}
