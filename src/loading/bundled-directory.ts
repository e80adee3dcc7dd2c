/** Where the implementations lie that come with the gateway, compiled. */
import { fileURLToPath } from 'node:url'

export const bundledDirectory = fileURLToPath(new URL('../../implementations', import.meta.url))
