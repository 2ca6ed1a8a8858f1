## The page behind an invitation or a link to a new password.
join-title = You are invited to { $desk }
join-text = Choose how visitors and colleagues see you, and a password.
password-title = A new password for { $desk }
password-text = Once it is saved, you are signed out everywhere and sign in with it.
email = E-mail
name = Name
name-hint = Visitors and colleagues see it.
name-rule = Enter a name.
password = Password
password-rule = At least 8 characters.
join = Join
save = Save
done-title = Done
done-text = Open Deskbell and sign in at { $address } with { $email } and your password.
failed-title = This link does not open
used = The link was used already, was taken back, or is too old. Ask for a new one.
too-many = Too many tries. Wait a few minutes and try again.
invalid = The desk does not accept this. Ask for a new link.
unreachable = The desk cannot be reached right now. Check your connection and try again.
again = Try again

## The page behind a sign-in at an identity provider.
confirm-title = Sign in to { $desk }?
confirm-text = { $device } wants to sign in as { $email }, and shows this code:
confirm-warning = Say no unless Deskbell shows you the same code right now. Otherwise somebody else would be signed in as you.
confirm-yes = Sign in
confirm-no = No
agreed-text = You can go back to Deskbell.
declined-text = Nobody was signed in.
sign-in-failed-title = The sign-in did not work
sign-in-failed = Go back to Deskbell and begin again.
