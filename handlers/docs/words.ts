import type { Language } from '../preferred-language.ts';

interface Words {
  readonly title: string;
  readonly intro: readonly string[];
  readonly start: string;
  readonly search: string;
  readonly contents: string;
  readonly document: string;
  readonly other: { readonly language: Language; readonly name: string };
  /** What groups are called, where that is not their name. */
  readonly groups: Readonly<Record<string, string>>;
  readonly copy: string;
  readonly copied: string;
  readonly who: string;
  readonly access: Readonly<Record<'public' | 'key' | 'admin' | 'metrics', string>>;
  readonly alsoAt: string;
  readonly parameters: string;
  readonly body: string;
  readonly call: string;
  readonly answer: string;
  readonly members: string;
  readonly headers: string;
  readonly errors: string;
  readonly required: string;
  readonly inPlace: Readonly<Record<'path' | 'query' | 'header', string>>;
  readonly orNull: string;
  readonly listOf: (what: string) => string;
  readonly characters: string;
  readonly items: string;
  readonly defaultIs: string;
}

/** All that the page says itself; what the document says is in `chinese.ts` and its neighbours. */
export const WORDS: Readonly<Record<Language, Words>> = {
  en: {
    title: 'API reference',
    intro: [
      'Two APIs on one port: the client API under `/v1`, which any OpenAI client speaks, and the admin API under `/admin`. This page is made from `/openapi.json`, which is made from the tables that the server routes and checks by.',
      'A key goes into `Authorization: Bearer`, `x-api-key` or `x-trial-key`; the admin token into `Authorization: Bearer`. Times are milliseconds since 1970, cost is in micros of the currency of the price table. Errors are OpenAI’s error object; under `/v1/messages` Anthropic’s.',
    ],
    start: 'The examples take the address, a key and the admin token from variables:',
    search: 'Search',
    contents: 'Contents',
    document: 'OpenAPI document',
    other: { language: 'zh-CN', name: '中文' },
    groups: { client: 'Client API' },
    copy: 'Copy',
    copied: 'Copied',
    who: 'Who: ',
    access: {
      public: 'everybody',
      key: 'holder of a key',
      admin: 'admin',
      metrics: 'Prometheus, admin',
    },
    alsoAt: 'The same:',
    parameters: 'Parameters',
    body: 'Body',
    call: 'Example',
    answer: 'Answer',
    members: 'Members',
    headers: 'Headers',
    errors: 'Errors',
    required: 'required',
    inPlace: { path: 'path', query: 'query', header: 'header' },
    orNull: ' or null',
    listOf: (what) => `list of ${what}`,
    characters: 'characters',
    items: 'items',
    defaultIs: 'default',
  },
  'zh-CN': {
    title: 'API 参考',
    intro: [
      '同一个端口上有两套接口：`/v1` 下的客户端接口，任何 OpenAI 客户端都能用；`/admin` 下的管理接口。本页由 `/openapi.json` 生成，后者又由服务端用于路由和校验的同一张表生成。',
      '密钥放在 `Authorization: Bearer`、`x-api-key` 或 `x-trial-key` 中；管理令牌放在 `Authorization: Bearer` 中。时间是 1970 年以来的毫秒数，费用以价格表货币的百万分之一为单位。错误采用 OpenAI 的错误对象，`/v1/messages` 下采用 Anthropic 的。',
    ],
    start: '示例从环境变量读取地址、密钥和管理令牌：',
    search: '搜索',
    contents: '目录',
    document: 'OpenAPI 文档',
    other: { language: 'en', name: 'English' },
    groups: {
      client: '客户端接口',
      applications: '密钥申请',
      keys: '密钥',
      usage: '用量',
      requests: '计费明细',
      sponsor: '总上限',
      operations: '操作日志',
      backups: '备份',
      status: '状态',
      server: '服务',
    },
    copy: '复制',
    copied: '已复制',
    who: '调用者：',
    access: {
      public: '任何人',
      key: '密钥持有者',
      admin: '管理员',
      metrics: 'Prometheus、管理员',
    },
    alsoAt: '等同于',
    parameters: '参数',
    body: '请求体',
    call: '示例',
    answer: '响应',
    members: '字段',
    headers: '响应头',
    errors: '错误',
    required: '必填',
    inPlace: { path: '路径', query: '查询', header: '请求头' },
    orNull: ' 或 null',
    listOf: (what) => `${what} 列表`,
    characters: '个字符',
    items: '项',
    defaultIs: '默认',
  },
};
