tray-open = Abrir Deskbell
tray-next-waiting = Siguiente chat en espera
tray-mute = Silenciar sonidos
tray-quit = Salir de Deskbell

tray-status-online = En línea, nadie espera
tray-waiting = { $count ->
    [one] En línea, { $count } visitante espera
   *[other] En línea, { $count } visitantes esperan
}
tray-unread = { $count ->
    [one] En línea, { $count } chat sin leer
   *[other] En línea, { $count } chats sin leer
}
tray-status-offline = Sin conexión: los chats nuevos no pueden sonar
tray-status-expired = Sesión cerrada: los chats nuevos no pueden sonar
tray-status-partly = Algunos centros sin conexión: sus chats nuevos no pueden sonar

toast-new-chat = Chat nuevo: { $name }
toast-message = { $name }
toast-in-group = { $name } en { $group }
toast-mention = { $name } le menciona
toast-mention-in = { $name } le menciona: { $place }
toast-at-desk = { $title } · { $desk }
toast-hidden-text = Hay un mensaje nuevo para usted.
toast-file = Archivo: { $name }

action-open = Abrir
action-assign = Asignarme
action-quit = Salir de todos modos

visitor-numbered = Visitante { NUMBER($number, useGrouping: "false") }

window-title = { $count ->
    [0] Deskbell
    [one] { $count } chat sin leer – Deskbell
   *[other] { $count } chats sin leer – Deskbell
}

still-running-title = Deskbell sigue en marcha
still-running-body = Los chats nuevos sonarán. Abra Deskbell desde su icono en la bandeja.
