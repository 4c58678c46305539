/**
 * One text for Prometheus of those of several processes, whose series differ by a label: each metric is described once and its series
 * stand together, as the format wants it.
 */
export const mergeMetrics = (texts: readonly string[]): string => {
  const families = new Map<string, { head: string[]; series: string[] }>()
  for (const text of texts) {
    let family = { head: [] as string[], series: [] as string[] }
    for (const line of text.split('\n')) {
      const [, word, name] = /^# (HELP|TYPE) (\S+)/.exec(line) ?? []
      if (name !== undefined) {
        const known = families.get(name)
        family = known ?? { head: [], series: [] }
        if (known === undefined) families.set(name, family)
        if (!family.head.some((other) => other.startsWith(`# ${word} `))) family.head.push(line)
      } else if (line !== '' && !line.startsWith('#')) family.series.push(line)
    }
  }
  return [...families.values()].flatMap(({ head, series }) => [...head, ...series, '']).join('\n')
}
