import { instance } from '@viz-js/viz'

const renderer = await instance()

const text = (label: string): string => JSON.stringify(label.replaceAll('<br>', '\n'))

/** A node with its label, once it is told: `id["label"]` a box, `id((label))` a circle, `id` alone one told elsewhere. */
const nodePattern = /^(\w+)(?:\["([^"]*)"\]|\(\(([^)]*)\)\))?$/

const nodeLine = (told: string): { id: string; line: string | null } => {
  const [, id = '', box, circle] = nodePattern.exec(told.trim()) ?? []
  if (id === '') throw new Error(`Not understood in a diagram: ${told}`)
  if (circle !== undefined) return { id, line: `${id} [shape=ellipse label=${text(circle)}]` }
  return { id, line: box === undefined ? null : `${id} [label=${text(box)}]` }
}

/** The flow charts of these pages as Graphviz reads them: boxes, circles, groups, arrows and dotted arrows with a word. */
const dotOf = (chart: string): string =>
  chart
    .trim()
    .split('\n')
    .flatMap((line) => {
      const told = line.trim()
      // A page is taller than wide, so that every chart goes down it.
      if (told.startsWith('flowchart ')) return ['rankdir=TB']
      if (told.startsWith('direction ')) return []
      if (told === 'end') return ['}']
      const group = /^subgraph (\w+)\["([^"]*)"\]$/.exec(told)
      if (group) return [`subgraph cluster_${group[1]} { label=${text(group[2] ?? '')}; color="gray"; style=rounded`]
      const arrow = /^(.*?) (?:-->|-\. (.+?) \.->) (.*)$/.exec(told)
      if (!arrow) return [nodeLine(told).line ?? '']
      const [from, to] = [nodeLine(arrow[1] ?? ''), nodeLine(arrow[3] ?? '')]
      const word = arrow[2] === undefined ? '' : ` [style=dashed label=${text(arrow[2])}]`
      return [from.line ?? '', to.line ?? '', `${from.id} -> ${to.id}${word}`]
    })
    .join('\n')

/** Draws a Mermaid flow chart, for a page that no script draws on; its colour is that of the text around it. */
export const mermaidPicture = (chart: string): string => {
  const drawn = renderer.renderString(
    `digraph { bgcolor=transparent; nodesep=0.3; ranksep=0.45; fontname="Helvetica"; fontsize=12
      node [shape=box style=rounded fontname="Helvetica" fontsize=12 margin="0.16,0.08"]
      edge [fontname="Helvetica" fontsize=10 arrowsize=0.7]
      ${dotOf(chart)} }`,
    { format: 'svg' },
  )
  return drawn
    .slice(drawn.indexOf('<svg'))
    .replace(/<title>[^<]*<\/title>|<!--[^]*?-->/g, '')
    .replace(/ (id|class)="[^"]*"/g, '')
    .replaceAll('stroke="black"', 'stroke="currentColor" stroke-opacity="0.55"')
    .replaceAll('fill="black"', 'fill="currentColor"')
    .replace(/<text /g, '<text fill="currentColor" ')
    .replace(/\s*\n\s*/g, ' ')
}
