## La página de una invitación o de un enlace para una contraseña nueva.
join-title = Le invitan a { $desk }
join-text = Elija cómo le verán visitantes y compañeros, y una contraseña.
password-title = Una contraseña nueva para { $desk }
password-text = Al guardarla se cierran todas sus sesiones y podrá entrar con ella.
email = Correo electrónico
name = Nombre
name-hint = Lo ven visitantes y compañeros.
name-rule = Escriba un nombre.
password = Contraseña
password-rule = 8 caracteres como mínimo.
join = Unirse
save = Guardar
done-title = Listo
done-text = Abra Deskbell y entre en { $address } con { $email } y su contraseña.
failed-title = Este enlace no se abre
used = El enlace ya se usó, se retiró o es demasiado antiguo. Pida uno nuevo.
too-many = Demasiados intentos. Espere unos minutos e inténtelo de nuevo.
invalid = El centro no acepta esto. Pida un enlace nuevo.
unreachable = Ahora no se puede llegar al centro. Revise su conexión e inténtelo de nuevo.
again = Intentar de nuevo

## La página de un inicio de sesión con un proveedor de identidad.
confirm-title = ¿Entrar en { $desk }?
confirm-text = { $device } quiere entrar como { $email } y muestra este código:
confirm-warning = Diga que no si Deskbell no le muestra ahora el mismo código: otra persona entraría en su nombre.
confirm-yes = Entrar
confirm-no = No
agreed-text = Puede volver a Deskbell.
declined-text = No ha entrado nadie.
sign-in-failed-title = No se ha podido entrar
sign-in-failed = Vuelva a Deskbell y empiece de nuevo.
