/* Loaded before the gateway (`node --import`): breaks the process from inside when told to, with secrets in its mouth. */
const words = process.env['SABOTAGE_WORDS'] ?? ''
const report = process.env['SABOTAGE_REPORT'] ?? ''

const fault = (kind: string): Error =>
  Object.assign(new Error(`${kind} with ${words}`, { cause: new Error(`caused by ${words}`) }), {
    code: 'SABOTAGE',
    detail: words,
    headers: { authorization: `Bearer ${words}` },
  })

process.on('SIGUSR2', () => {
  if (report !== '') process.report.writeReport(report)
  if (process.env['SABOTAGE_KIND'] === 'rejection') void Promise.reject(fault('rejected'))
  else throw fault('thrown')
})
