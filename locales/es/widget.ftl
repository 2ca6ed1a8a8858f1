## The button on the website and the frame around the messenger. Everything that begins with "launcher" is built
## into the loader, so keep it short.
launcher-open = Escríbenos
launcher-open-unread = { $count ->
    [one] Escríbenos, { $count } mensaje sin leer
   *[other] Escríbenos, { $count } mensajes sin leer
}
launcher-close = Cerrar el chat
launcher-frame = Chat
launcher-unreachable = Ahora mismo no se puede abrir el chat.
launcher-retry = Reintentar

## Header
connecting = Conectando…
online = Solemos responder en unos minutos
away = No estamos ahora; deja un mensaje y te responderemos aquí
back = De vuelta: { $when }
larger = Ampliar
smaller = Reducir
close = Cerrar el chat
menu = Más
status-online = En línea
status-away = Ausentes

## Forgetting
forget = Olvidar esta conversación
forget-question = ¿Olvidar esta conversación?
forget-explained = Este navegador dejará de mostrarla. El equipo conserva su copia.
forget-confirm = Olvidar
cancel = Cancelar

## Messages
conversation = Conversación
welcome-title = ¡Hola!
welcome-text = Pregúntanos lo que quieras. Leemos todos los mensajes.
earlier = Ver mensajes anteriores
today = Hoy
yesterday = Ayer
you = Tú
the-team = El equipo
said = { $name }, { $time }: { $text }
sending = Enviando…
waiting = Esperando conexión
sent = Enviado
not-sent = No enviado.
retry = Reintentar
discard = Eliminar
typing = { $name } está escribiendo…
joined = { $name } te va a responder
closed = Esta conversación está cerrada. Si escribes, se vuelve a abrir.
edited = editado
deleted = Mensaje eliminado
choices = Respuestas para elegir
new-messages = { $count ->
    [one] { $count } mensaje nuevo
   *[other] { $count } mensajes nuevos
}

## Files
file-own = Archivo { $name }
picture = Imagen { $name }
picture-large = Ampliar { $name }
picture-unavailable = No se puede mostrar esta imagen.
save = Guardar
save-file = Guardar { $name }, { $size }
saving = Guardando…
close-picture = Cerrar la imagen
size-kb = { $size } KB
size-mb = { $size } MB

## Articles
article-read = Leer
article-read-of = Leer: { $title }
article-back = Volver
article-loading = Cargando…
article-gone = Este artículo ya no está disponible.
article-failed = Ahora mismo no se puede mostrar el artículo. Comprueba la conexión e inténtalo de nuevo.

## Writing
write = Escribe un mensaje
send = Enviar
peek-notice = El equipo ve lo que escribes antes de que lo envíes.
attach = Adjuntar un archivo
drop = Suelta aquí los archivos para adjuntarlos
uploading = Subiendo { $name }
file-waiting = { $name } espera una conexión
file-waiting-turn = { $name } espera su turno
choose-again = Elegir de nuevo
ready = { $name } está adjunto
remove-file = Quitar { $name }
characters-left = { $count ->
    [one] Queda { $count } carácter
   *[other] Quedan { $count } caracteres
}

## What went wrong, and what to do
offline-bar = Sin conexión. Guardamos tus mensajes y los enviaremos.
refused = El chat no está disponible en esta página.
blocked = En este momento no se pueden enviar mensajes aquí.
unproven = Ya no podemos confirmar quién eres. Inicia sesión en la tienda o vuelve a cargar la página.
error-too-large = { $name } ocupa más de 20 MB. Envía un archivo más pequeño.
error-type = No se pueden enviar archivos como { $name }. Prueba con una imagen, un PDF o un ZIP.
error-file-empty = { $name } está vacío. Elige otro archivo.
error-enough-files = Ya son bastantes archivos por ahora. Vuelve a probar con { $name } más tarde.
error-busy = No se pudo subir { $name }. Inténtalo de nuevo dentro de un momento.
error-file-lost = { $name } ya no se puede leer. Elígelo otra vez y continuará donde estaba.
error-too-many-files = Un mensaje admite 10 archivos como máximo.
error-download = Ahora mismo no se puede obtener el archivo. Inténtalo de nuevo.
error-outbox-full = Hay demasiados mensajes esperando conexión. Envía este más tarde.
error-text-too-long = Un mensaje admite 10.000 caracteres como máximo. Acórtalo.

## What is asked before the first message
ask-title = Antes de empezar
ask-name = Tu nombre
ask-email = Tu correo electrónico
ask-phone = Tu número de teléfono
ask-optional = { $label } (opcional)
ask-choose = Elige…
ask-missing = Responde a esto, por favor.
ask-email-wrong = Escribe una dirección como vic@home.example.
ask-refused = No se pudo aceptar esta respuesta. Cámbiala y envía de nuevo.
