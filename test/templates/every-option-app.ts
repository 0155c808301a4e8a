import { App, Stack } from 'aws-cdk-lib';
import { Switchboard } from '../../lib/cdk/index.ts';
import { everyOption } from '../cdk/every-option.ts';

const stack = new Stack(new App(), 'EveryOption');
new Switchboard(stack, 'Switchboard', everyOption(stack));
