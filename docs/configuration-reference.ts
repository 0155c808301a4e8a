import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AlarmDefinition, defaultPeriods } from '../lib/cdk/alarm-definition.ts';
import { ALARM_GROUPS, ALARM_REQUIREMENTS } from '../lib/cdk/alarm-table.ts';
import { DELIVERY_ALARMS, ORDER_ALARMS } from '../lib/cdk/delivery-alarms.ts';
import { AUDIT_ACTIONS } from '../lib/events/audit-record.ts';
import type { EnvironmentSection } from './configuration-sections.ts';
import { environmentRows } from './environment-rows.ts';
import { code, type SettingRow, settingsTable, table } from './markdown-table.ts';
import { propertyRows } from './property-rows.ts';

const PROPERTIES_FILE = join(import.meta.dirname, '../lib/cdk/switchboard-props.ts');
const DELIVERY_FILE = join(import.meta.dirname, '../lib/cdk/delivery-options.ts');
const ALARM_FILE = join(import.meta.dirname, '../lib/cdk/alarm-options.ts');
const COMPUTE_FILE = join(import.meta.dirname, '../lib/cdk/compute-props.ts');
const INGESTER_FILE = join(import.meta.dirname, '../lib/cdk/ingester-options.ts');
const FUNCTION_FILE = join(import.meta.dirname, '../lib/cdk/function-options.ts');
const BACKFILL_FILE = join(import.meta.dirname, '../lib/cdk/backfill-options.ts');
const WEBHOOK_FILE = join(import.meta.dirname, '../lib/cdk/webhook-options.ts');
const AUDIT_FILE = join(import.meta.dirname, '../lib/cdk/audit-options.ts');
const REDACTION_FILE = join(import.meta.dirname, '../lib/cdk/redaction-options.ts');
const SHARD_FILE = join(import.meta.dirname, '../lib/cdk/shard-options.ts');
const PROTOCOLS_FILE = join(import.meta.dirname, '../lib/cdk/stream-protocols.ts');
/** A member of the property `protocols`, and its interface. */
const PROTOCOL_MEMBER = /^ {2}readonly (\w+)\?: (\w+Props);$/gm;

const INTRODUCTION = `# Configuration reference

This file is generated from the sources by \`npm run docs\`. Do not edit it.

To deploy Switchboard to AWS, configure the CDK construct. It sets the environment variables of the ingester and the consumer. To run the ingester or the consumer without the construct, set the environment variables.`;

/**
 * Generates the configuration reference.
 *
 * @throws {@link ConfigurationReferenceError} if a setting is not documented
 */
export function configurationReference(sections: readonly EnvironmentSection[]): string {
  const protocols = readFileSync(PROTOCOLS_FILE, 'utf8');
  const alarms = readFileSync(ALARM_FILE, 'utf8');
  const deliveries = readFileSync(DELIVERY_FILE, 'utf8');
  const properties = propertyRows(readFileSync(PROPERTIES_FILE, 'utf8'), 'SwitchboardProps');
  const compute = propertyRows(readFileSync(COMPUTE_FILE, 'utf8'), 'ComputeProps');
  const ofFunction = propertyRows(readFileSync(FUNCTION_FILE, 'utf8'), 'FunctionOptions');
  return [
    INTRODUCTION,
    '## Properties of the CDK construct',
    settingsTable('Property', [...properties, ...compute, ...propertyRows(alarms, 'SwitchboardAlarmProps')]),
    '## Properties of `ingester`',
    settingsTable('Property', propertyRows(readFileSync(INGESTER_FILE, 'utf8'), 'IngesterOptions')),
    '## Properties of `consumer`',
    settingsTable('Property', ofFunction),
    '## Properties of `backfill`',
    settingsTable(
      'Property',
      extended(propertyRows(readFileSync(BACKFILL_FILE, 'utf8'), 'BackfillOptions'), ofFunction),
    ),
    '## Properties of `webhook`',
    settingsTable(
      'Property',
      extended(propertyRows(readFileSync(WEBHOOK_FILE, 'utf8'), 'WebhookOptions'), ofFunction),
    ),
    ...[...protocols.matchAll(PROTOCOL_MEMBER)].flatMap(([, name, type = '']) => [
      `### Properties of \`protocols.${name}\``,
      settingsTable('Property', propertyRows(protocols, type)),
    ]),
    '## Properties of `shard`',
    settingsTable('Property', propertyRows(readFileSync(SHARD_FILE, 'utf8'), 'ShardOptions')),
    '## Properties of `audit`',
    settingsTable('Property', propertyRows(readFileSync(AUDIT_FILE, 'utf8'), 'AuditOptions')),
    '## Properties of `redaction`',
    settingsTable('Property', propertyRows(readFileSync(REDACTION_FILE, 'utf8'), 'RedactionOptions')),
    '## Options of `deliverTo`',
    settingsTable('Option', propertyRows(deliveries, 'DeliveryOptions')),
    ...['BearerAuth', 'ApiKeyAuth', 'OAuthAuth'].flatMap((name) => [
      `### \`${name}\`, for the option \`auth\``,
      settingsTable('Option', propertyRows(deliveries, name)),
    ]),
    '## Properties of an alarm in `alarms`',
    settingsTable(
      'Property',
      extended(propertyRows(alarms, 'ThresholdAlarmOptions'), propertyRows(alarms, 'ConditionAlarmOptions')),
    ),
    '## Alarms',
    alarmTable(ALARM_GROUPS, ALARM_REQUIREMENTS),
    '## Alarms of a delivery',
    alarmTable({ delivery: DELIVERY_ALARMS, order: ORDER_ALARMS }, { order: code('ordered') }),
    ...sections.flatMap(([title, schema]) => [
      `## ${title}`,
      settingsTable('Variable', environmentRows(schema)),
    ]),
    '## Actions of audit records',
    table(
      ['Action', 'Recorded with', 'Meaning'],
      Object.entries(AUDIT_ACTIONS).map(([action, { level, meaning }]) => [
        code(action),
        level === 'all' ? code('all') : `${code('connections')}, ${code('all')}`,
        meaning,
      ]),
    ),
  ]
    .join('\n\n')
    .concat('\n');
}

/** The properties of an interface that extends another, and may describe some of its properties itself. */
function extended(own: readonly SettingRow[], inherited: readonly SettingRow[]): SettingRow[] {
  const names = new Set(own.map(({ name }) => name));
  return [...own, ...inherited.filter(({ name }) => !names.has(name))];
}

/** The alarms, critical ones first. */
function alarmTable(
  groups: Readonly<Record<string, Readonly<Record<string, AlarmDefinition>>>>,
  requirements: Readonly<Record<string, string>>,
): string {
  const alarms = Object.entries(groups).flatMap(([group, definitions]) =>
    Object.entries(definitions).map(([id, definition]) => ({ id, group, definition })),
  );
  return table(
    ['Alarm', 'Severity', 'Requires', 'Default threshold', 'Periods', 'Meaning and action'],
    alarms
      .toSorted((left, right) => left.definition.severity.localeCompare(right.definition.severity))
      .map(({ id, group, definition }) => [
        code(id),
        definition.severity,
        requirements[group] ?? 'nothing',
        'threshold' in definition ? `more than ${definition.threshold} ${definition.unit}` : 'none',
        String(defaultPeriods(definition)),
        definition.text,
      ]),
  );
}
