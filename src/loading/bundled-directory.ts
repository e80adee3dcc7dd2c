/** Where the implementations lie that come with the gateway, and what else was compiled together with it. */
import { realpathSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const build = fileURLToPath(new URL('../..', import.meta.url))
const realBuild = realpathSync(build) + sep

export const bundledDirectory = join(build, 'implementations')

/** The very core that runs here is what it imports as `genservers`. */
export function isOfThisBuild(file: string): boolean {
  return file.endsWith('.js') && (realpathSync(dirname(file)) + sep).startsWith(realBuild)
}
