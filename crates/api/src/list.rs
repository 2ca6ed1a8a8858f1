//! The one list of the app's commands: `name(Request) -> Response`.
//!
//! Every host expands it, so a host that forgets a command does not compile. Names in
//! `src-tauri/commands.in` are compared with it by a test.

/// Hands the list of commands to another macro.
#[macro_export]
macro_rules! with_commands {
    ($callback:path) => {
        $callback! {
            /// Everything the first screen needs, from disk alone.
            start(Nothing) -> StartView;
            /// Opens an account again after something kept it from being opened.
            open_account(ForAccount) -> Nothing;
            /// Signs in at a desk and starts to sync.
            connect_desk(ConnectDesk) -> Nothing;
            /// What a desk offers to whoever signs in.
            desk_offer(AskDesk) -> DeskOffer;
            /// Opens the desk's identity provider in the system's browser.
            begin_at_provider(BeginAtProvider) -> ProviderCode;
            /// Waits until the person is through in the browser, and starts to sync.
            finish_at_provider(Nothing) -> Nothing;
            /// Gives up what was begun in the browser.
            cancel_at_provider(Nothing) -> Nothing;
            /// Starts a desk inside this app and signs in at it.
            try_here(Nothing) -> Nothing;
            /// Ends an account's session and removes its cache. Refused with `conflict` while messages are unsent.
            sign_out(SignOut) -> Nothing;
            /// Where the account's agent is signed in. Asks the desk.
            devices(ForAccount) -> Vec<Device>;
            /// Signs the account's agent out on another computer, or on all others.
            revoke_device(RevokeDevice) -> Nothing;
            /// Tries to connect at once, wherever there is no connection.
            retry_now(Nothing) -> Nothing;
            /// How healthy the sync is.
            sync_health(AskHealth) -> SyncHealth;
            /// A folder's rows and all counts.
            list_conversations(ListConversations) -> ConversationList;
            /// One conversation's head.
            conversation(ForConversation) -> ConversationRow;
            /// Messages of a conversation, from the cache.
            messages(ListMessages) -> Thread;
            /// Fetches older messages from the server into the cache.
            load_older(LoadOlder) -> Nothing;
            /// Queues a message: it is on disk when this returns.
            send_message(SendMessage) -> Queued;
            /// Sends a refused or held command again.
            retry(ForQueued) -> Nothing;
            /// Makes unsent text of a message that nobody else can have seen. Refused with `too_late` otherwise.
            take_back(ForQueued) -> TakenBack;
            /// Drops a refused, held or queued command for good. Refused with `too_late` when it may have been sent.
            discard(ForQueued) -> Nothing;
            /// Begins a conversation with a visitor, or finds the one at hand.
            start_conversation(ForVisitor) -> ForConversation;
            /// Everybody else at a desk, to write to.
            colleagues(ForAccount) -> Vec<Assignee>;
            /// Writes to colleagues: in the direct conversation with one, or in a new group.
            start_internal(StartInternal) -> ForConversation;
            /// Lets colleagues take part in a conversation, or no more.
            change_participants(ChangeParticipants) -> Queued;
            /// Who can be mentioned in a conversation.
            mentionable(ForConversation) -> Vec<Assignee>;
            /// Follows a conversation, or no more.
            follow(Follow) -> Queued;
            /// Closes or reopens.
            set_state(SetState) -> Queued;
            /// Puts a conversation off, until a time or until the visitor's next message.
            snooze(Snooze) -> Queued;
            /// Gives a conversation to an agent, to a team or to nobody.
            assign(Assign) -> Queued;
            /// To whom a conversation can be given.
            assignees(ForConversation) -> Assignees;
            /// Says how pressing a conversation is.
            set_priority(SetPriority) -> Queued;
            /// Writes a message of mine anew.
            edit_message(EditMessage) -> Queued;
            /// Takes the text and the files of a message away.
            delete_message(DeleteMessage) -> Queued;
            /// Puts labels on a conversation and takes others off.
            change_labels(ChangeLabels) -> Queued;
            /// Labels in use that begin with what was typed.
            labels(FindLabels) -> Vec<String>;
            /// Everything up to a number was on screen.
            mark_read(MarkRead) -> Nothing;
            /// I am typing, or stopped.
            set_typing(SetTyping) -> Nothing;
            /// Which conversation is on screen in an active window.
            set_focus(SetFocus) -> Nothing;
            /// Who is on the sites now.
            visitors(Nothing) -> Vec<VisitorRow>;
            /// The details panel.
            visitor_details(ForVisitor) -> VisitorDetails;
            /// Writes down what is known of a person.
            edit_contact(EditContact) -> Queued;
            /// Prepared texts that fit what was typed.
            canned_texts(FindCannedTexts) -> Vec<CannedTextView>;
            /// Counts that a prepared text was inserted.
            use_canned_text(UseCannedText) -> Vec<FileView>;
            /// Search as you type, over the caches.
            search(Search) -> Vec<SearchHit>;
            /// The same over the desks: what is found there and is not on this computer.
            search_desk(Search) -> DeskHits;
            /// Unsent text of a conversation.
            draft(ForConversation) -> Draft;
            /// Keeps unsent text.
            save_draft(Draft) -> Nothing;
            /// Keeps the chat boxes.
            save_boxes(SaveBoxes) -> Nothing;
            /// Copies a file into a draft. It goes to the server with its message.
            add_file(AddFile) -> FileView;
            /// Removes a file from a draft.
            remove_file(ForFile) -> Nothing;
            /// The files of a conversation's draft.
            draft_files(ForConversation) -> Vec<FileView>;
            /// Saves a file into the downloads folder. Never opens it.
            save_attachment(ForAttachment) -> SavedFile;
            /// Opens a message's link in the browser.
            open_link(OpenLink) -> Nothing;
            /// Opens a visitor's page in the browser.
            open_page(OpenPage) -> Nothing;
            /// Keeps the settings.
            save_settings(Settings) -> Nothing;
        }
    };
}
