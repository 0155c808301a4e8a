import { join } from 'node:path';
import type { EnvironmentSection } from './configuration-sections.ts';
import { environmentRows } from './environment-rows.ts';
import { settingsTable } from './markdown-table.ts';
import { propertyRows } from './property-rows.ts';

const PROJECT_ROOT = join(import.meta.dirname, '..');

const INTRODUCTION = `# Configuration reference

This file is generated from the sources by \`npm run docs\`. Do not edit it.

To deploy Switchboard to AWS, configure the CDK construct. It sets the environment variables of the ingester and the consumer. To run the ingester or the consumer without the construct, set the environment variables.`;

/**
 * Generates the configuration reference.
 *
 * @throws {@link ConfigurationReferenceError} if a setting is not documented
 */
export function configurationReference(sections: readonly EnvironmentSection[]): string {
  const properties = propertyRows(
    join(PROJECT_ROOT, 'tsconfig.json'),
    join(PROJECT_ROOT, 'lib/cdk/switchboard-props.ts'),
    'SwitchboardProps',
  );
  return [
    INTRODUCTION,
    '## Properties of the CDK construct',
    settingsTable('Property', properties),
    ...sections.flatMap(([title, schema]) => [
      `## ${title}`,
      settingsTable('Variable', environmentRows(schema)),
    ]),
  ]
    .join('\n\n')
    .concat('\n');
}
