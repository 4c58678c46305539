/** A mail of plain text. */
export interface Mail {
  readonly from: string
  readonly to: readonly string[]
  readonly subject: string
  readonly text: string
}

const TIMEOUT_MS = 10_000

/**
 * Sends one mail by SMTP; `smtp://` takes TLS where the server offers it, `smtps://` asks for it. Rejects when the server does not
 * take it for every recipient, or not within ten seconds.
 */
export const sendMail = async (smtpUrl: string, mail: Mail): Promise<void> => {
  const { protocol, hostname, port, username, password } = new URL(smtpUrl)
  const secure = protocol === 'smtps:'
  // Some mebibytes, which only who sends mails should hold.
  const { createTransport } = await import('nodemailer')
  const transport = createTransport({
    host: hostname,
    port: port === '' ? (secure ? 465 : 587) : Number(port),
    secure,
    ...(username !== '' && { auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) } }),
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  try {
    const { rejected } = await transport.sendMail({ ...mail, to: [...mail.to] })
    if (rejected.length > 0) throw new Error(`refused for ${rejected.length} of ${mail.to.length} recipients`)
  } finally {
    transport.close()
  }
}
