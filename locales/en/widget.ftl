## The button on the website and the frame around the messenger. Everything that begins with "launcher" is built
## into the loader, so keep it short.
launcher-open = Chat with us
launcher-open-unread = { $count ->
    [one] Chat with us, { $count } unread message
   *[other] Chat with us, { $count } unread messages
}
launcher-close = Close chat
launcher-frame = Chat
launcher-unreachable = The chat cannot be reached right now.
launcher-retry = Try again

## Header
connecting = Connecting…
online = We usually answer in a few minutes
away = We are away; leave a message, we will answer here
back = Back: { $when }
larger = Make larger
smaller = Make smaller
close = Close chat
menu = More
status-online = Online
status-away = Away

## Forgetting
forget = Forget this conversation
forget-question = Forget this conversation?
forget-explained = This browser will no longer show it. The team keeps its own copy.
forget-confirm = Forget
cancel = Cancel

## Messages
conversation = Conversation
welcome-title = Hello!
welcome-text = Ask us anything. We read every message.
earlier = Show earlier messages
today = Today
yesterday = Yesterday
you = You
the-team = The team
said = { $name }, { $time }: { $text }
sending = Sending…
waiting = Waiting for a connection
sent = Sent
not-sent = Not sent.
retry = Retry
discard = Delete
typing = { $name } is typing…
joined = { $name } will answer you
closed = This conversation is closed. Write again and it opens.
edited = edited
deleted = Message deleted
choices = Answers to choose from
new-messages = { $count ->
    [one] { $count } new message
   *[other] { $count } new messages
}

## Files
file-own = File { $name }
picture = Picture { $name }
picture-large = Show { $name } larger
picture-unavailable = This picture cannot be shown.
save = Save
save-file = Save { $name }, { $size }
saving = Saving…
close-picture = Close picture
size-kb = { $size } KB
size-mb = { $size } MB

## Articles
article-read = Read
article-read-of = Read: { $title }
article-back = Back
article-loading = Loading…
article-gone = This article is no longer available.
article-failed = The article cannot be shown right now. Check the connection and try again.

## Writing
write = Write a message
send = Send
peek-notice = The team sees what you write before you send it.
attach = Attach a file
drop = Drop files to attach them
uploading = Uploading { $name }
file-waiting = { $name } is waiting for a connection
file-waiting-turn = { $name } is waiting for its turn
choose-again = Choose again
ready = { $name } is attached
remove-file = Remove { $name }
characters-left = { $count ->
    [one] { $count } character left
   *[other] { $count } characters left
}

## What went wrong, and what to do
offline-bar = No connection. Your messages are kept and will be sent.
refused = The chat is not available on this page.
blocked = Messages cannot be sent here at the moment.
unproven = We cannot tell any more who you are. Sign in at the shop, or load the page again.
error-too-large = { $name } is larger than 20 MB. Send a smaller file.
error-type = Files like { $name } cannot be sent. Try a picture, a PDF or a ZIP file.
error-file-empty = { $name } is empty. Choose another file.
error-enough-files = That is enough files for now. Try { $name } again later.
error-busy = { $name } could not be uploaded. Try again in a moment.
error-file-lost = { $name } cannot be read any more. Choose it again, and it goes on where it was.
error-too-many-files = A message holds at most 10 files.
error-download = The file cannot be fetched right now. Try again.
error-outbox-full = Too many messages are waiting for a connection. Send this one later.
error-text-too-long = A message holds at most 10,000 characters. Shorten it.

## What is asked before the first message
ask-title = Before we begin
ask-name = Your name
ask-email = Your e-mail
ask-phone = Your phone number
ask-optional = { $label } (optional)
ask-choose = Choose…
ask-missing = Please answer this.
ask-email-wrong = Write an address such as vic@home.example.
ask-refused = This answer could not be taken. Change it and send again.
