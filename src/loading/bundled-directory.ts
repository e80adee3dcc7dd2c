/** Where the implementations lie that come with the gateway, and what else was compiled together with it. */
import { realpathSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

const build = fileURLToPath(new URL('../..', import.meta.url))

export const bundledDirectory = `${build}implementations`

/** The very core that runs here is what it imports as `genservers`. */
export function isOfThisBuild(file: string): boolean {
  return file.endsWith('.js') && `${realpathSync(dirname(file))}/`.startsWith(`${realpathSync(build)}/`)
}
