// AWS's runtime interface client for Node, in the folder of this file.

import { run } from 'aws-lambda-ric'

await run(import.meta.dirname, 'check.handler')
