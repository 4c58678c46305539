/** The value of a metric without labels. */
export const readMetric = async (url: string, name: string): Promise<number> => {
  const text = await (await fetch(`${url}/metrics`)).text()
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `))
  if (line === undefined) throw new Error(`no metric ${name}`)
  return Number(line.slice(name.length + 1))
}

/** Calls that are admitted and not settled. */
export const openHolds = (url: string): Promise<number> => readMetric(url, 'headgate_ledger_holds_open')

/** Event streams open to callers. */
export const openStreams = (url: string): Promise<number> => readMetric(url, 'headgate_streams_open')
