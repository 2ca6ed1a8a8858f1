# What the tray, the notifications and the window's title say. Native menus have no tooltips,
# so every entry must be clear by itself.

tray-open = Open Deskbell
tray-next-waiting = Next waiting chat
tray-mute = Mute sounds
tray-quit = Quit Deskbell

# The first line of the tray's menu, and the tray icon's tooltip.
tray-status-online = Online, nobody is waiting
tray-waiting = { $count ->
    [one] Online, { $count } visitor is waiting
   *[other] Online, { $count } visitors are waiting
}
tray-unread = { $count ->
    [one] Online, { $count } unread chat
   *[other] Online, { $count } unread chats
}
tray-status-offline = Offline: new chats cannot ring
tray-status-expired = Signed out: new chats cannot ring
tray-status-partly = Some desks are offline: their new chats cannot ring

# Titles and bodies of notifications. The name is what the visitor calls themselves.
toast-new-chat = New chat: { $name }
toast-message = { $name }
toast-in-group = { $name } in { $group }
toast-mention = { $name } mentions you
toast-mention-in = { $name } mentions you: { $place }
# Where there is more than one desk, a title names its own.
toast-at-desk = { $title } · { $desk }
toast-hidden-text = There is a new message for you.
toast-file = File: { $name }

# Buttons of notifications.
action-open = Open
action-assign = Assign to me
action-quit = Quit instead

# A visitor who has not said who they are.
visitor-numbered = Visitor { NUMBER($number, useGrouping: "false") }

window-title = { $count ->
    [0] Deskbell
    [one] { $count } unread chat – Deskbell
   *[other] { $count } unread chats – Deskbell
}

# Shown once, when the window was closed for the first time.
still-running-title = Deskbell is still running
still-running-body = New chats will ring. Open Deskbell from its icon in the tray.
