import { type ChannelModel, type ConfirmChannel, connect } from 'amqplib';

export type Deed = (channel: ConfirmChannel) => Promise<unknown>;

/** One cell of the matrix: what is tried, and whether the design allows it. */
export interface Cell {
  readonly title: string;
  readonly may: boolean;
  readonly deed: Deed;
}

/** Channels on which one user tries deeds at the same time. */
const LANES = 4;
const REFUSED = 403;

/** One user's connection, over which cells of the matrix are tried. */
export class RightsProbe {
  readonly #connection: ChannelModel;

  private constructor(connection: ChannelModel) {
    this.#connection = connection;
  }

  static async open(url: string): Promise<RightsProbe> {
    const connection = await connect(url, { noDelay: true });
    connection.on('error', () => undefined);
    return new RightsProbe(connection);
  }

  /** The cells to which the broker's answer is another one than the design's. */
  async wrong(cells: readonly Cell[]): Promise<string[]> {
    const waiting = cells.values(); // all lanes take from it
    const wrong: string[] = [];
    const lane = async (): Promise<void> => {
      let channel = await Attempts.on(this.#connection);
      for (const { title, may, deed } of waiting) {
        const answer = await channel.try(deed);
        if (answer !== 'allowed') channel = await Attempts.on(this.#connection);
        if (answer !== (may ? 'allowed' : REFUSED)) wrong.push(`${title}: ${answer}`);
      }
      await channel.close();
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    return wrong;
  }

  /** True when the broker allows it. */
  async allows(deed: Deed): Promise<boolean> {
    return (await this.wrong([{ title: '', may: true, deed }])).length === 0;
  }

  /** Does what must succeed, on a channel that stays open as long as the connection. */
  async keep(deed: Deed): Promise<void> {
    await deed(await this.#connection.createConfirmChannel());
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }
}

/** A channel for one deed after the other, until the broker closes it over one. */
class Attempts {
  readonly #channel: ConfirmChannel;
  #closedBy: number | undefined;

  private constructor(channel: ConfirmChannel) {
    this.#channel = channel;
    channel.on('error', (error) => {
      this.#closedBy = 'code' in error && typeof error.code === 'number' ? error.code : 0;
    });
  }

  static async on(connection: ChannelModel): Promise<Attempts> {
    return new Attempts(await connection.createConfirmChannel());
  }

  /** The broker's answer. @throws what else the deed fails of */
  async try(deed: Deed): Promise<number | 'allowed'> {
    try {
      await deed(this.#channel);
      return 'allowed';
    } catch (error) {
      if (this.#closedBy === undefined) throw error;
      return this.#closedBy;
    }
  }

  async close(): Promise<void> {
    await this.#channel.close();
  }
}
