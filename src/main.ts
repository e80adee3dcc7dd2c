#!/usr/bin/env node
/** The program `genservers`. */
import { run } from './cli/run.js'

process.exitCode = await run(process.argv.slice(2), process.env)
