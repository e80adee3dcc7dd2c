/** Writes outcomes as text that can be pasted into Markdown. */
import type { Quartiles } from './figures.js'
import { isMet, type Outcome, type Table, type Target } from './outcome.js'

export function renderOutcome(title: string, { table, targets, warning }: Outcome): string {
  const remark = warning === undefined ? '' : `\n${warning}\n`
  return `\n### ${title}\n\n${renderTable(table)}\n${remark}\n${targets.map(renderTarget).join('\n')}\n`
}

export function renderTable({ columns, rows }: Table): string {
  const widths = columns.map((column, i) => Math.max(column.length, ...rows.map((row) => (row[i] ?? '').length)))
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, i) => (i === 0 ? (cells[i] ?? '').padEnd(width) : (cells[i] ?? '').padStart(width))).join(' | ')} |`
  const rule = `|${widths.map((width, i) => (i === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`
  return [line(columns), rule, ...rows.map(line)].join('\n')
}

function renderTarget(target: Target): string {
  const { what, figure, unit, atLeast, atMost } = target
  const bound = atLeast === undefined ? `at most ${count(atMost as number)}` : `at least ${count(atLeast)}`
  return `- ${what}: **${count(figure)}${unit}**, target ${bound}${unit}: ${isMet(target) ? 'met' : 'NOT MET'}`
}

/** Three digits that count, whole numbers from 100 on. */
export function count(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en')
  return String(Number(value.toPrecision(3)))
}

/** The median, with the quartiles. */
export function spread({ lower, median, upper }: Quartiles): string {
  return `${count(median)} (${count(lower)} to ${count(upper)})`
}
