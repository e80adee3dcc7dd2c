/** Runs a measuring program to its end and gives what it reported. */
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** `program` is a file of `programs/`. */
export async function reportsOf<Report>(program: string, argument: unknown, nodeOptions: string[] = []) {
  const file = fileURLToPath(new URL(`./programs/${program}`, import.meta.url))
  const reports: Report[] = []
  const child = fork(file, [JSON.stringify(argument)], {
    env: { PATH: process.env['PATH'], NODE_ENV: 'production' },
    execArgv: nodeOptions,
  })
  child.on('message', (report) => reports.push(report as Report))
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code !== 0) throw new Error(`${program} ended with ${code}`)
  return reports
}
