import type { App } from 'aws-cdk-lib';

/** Properties of a deployment that are set on the command line or in the environment. */
export interface Overrides {
  /** `-c genesysDomain=…` or `GENESYS_DOMAIN`. @default - not overridden */
  genesysDomain?: string;
  /** `-c secret=…` or `GENESYS_SECRET_NAME`. @default - not overridden */
  secret?: string;
  /** `-c emulator=true`. @default - not overridden */
  forEmulator?: boolean;
}

/**
 * Reads overrides from the CDK context (`cdk deploy -c name=value`) and from environment variables. The context takes
 * precedence. Spread the result over the properties of a {@link Switchboard}.
 */
export function overrides(
  app: App,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Overrides {
  const given = (key: string, variable: string) =>
    text(app.node.tryGetContext(key)) ?? text(environment[variable]);
  const genesysDomain = given('genesysDomain', 'GENESYS_DOMAIN');
  const secret = given('secret', 'GENESYS_SECRET_NAME');
  return {
    ...(genesysDomain ? { genesysDomain } : {}),
    ...(secret ? { secret } : {}),
    ...(text(app.node.tryGetContext('emulator')) === 'true' ? { forEmulator: true } : {}),
  };
}

function text(value: unknown): string | undefined {
  return value === undefined || value === '' ? undefined : String(value);
}
