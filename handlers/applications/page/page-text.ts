/** The languages of the pages. */
export type Language = 'en' | 'zh-CN';

const english = {
  applyTitle: 'Ask for an API key',
  applyIntro:
    'The operator of this service reads your application and decides. You then get the key here, by a link that is yours alone.',
  name: 'Your name',
  nameHint: 'As the operator knows you',
  contact: 'Where to find you',
  contactHint: 'Such as your name in a forum',
  reason: 'What you want it for',
  optional: 'optional',
  send: 'Send',
  wrong:
    'There is something in it that cannot be taken, such as an invisible character. Type it instead of pasting it.',
  sentTitle: 'Your application was sent',
  sentIntro:
    'Keep this link: it is the only way to your key, and nobody else has it. Open it now and then to see whether there is an answer.',
  open: 'Open it now',
  copy: 'Copy',
  copied: 'Copied',
  copyByHand: 'It is marked: copy it by hand',
  needsScript: 'This page needs JavaScript.',
  claimTitle: 'Your application',
  looking: 'One moment …',
  noneTitle: 'Which application?',
  noneIntro: 'This page is opened by the link that you got when you applied. Paste it here if you have it.',
  link: 'The link',
  go: 'Open',
  pendingTitle: 'Waiting for the operator',
  pendingIntro: 'Nobody has decided on your application yet. Come back later by the same link.',
  pendingEnds: 'If there is no answer, it expires on',
  lookAgain: 'Look again',
  back: 'Back',
  approvedTitle: 'Approved: your key is ready',
  approvedIntro:
    'The key is made when you press the button: copy it then. Nobody else sees it, not even the operator.',
  approvedEnds: 'Take it before',
  show: 'Show my key',
  keyTitle: 'This is your key',
  keyIntro: 'Copy it now: ten minutes from now it is not shown any more.',
  useTitle: 'How to use it',
  useIntro: 'Give these two to any program that speaks the API of OpenAI:',
  baseUrl: 'Base URL',
  key: 'API key',
  curlIntro: 'Or try it in a terminal:',
  rejectedTitle: 'The operator said no',
  rejectedIntro: 'Your application was rejected.',
  rejectedReason: 'The reason given:',
  claimedTitle: 'This key was taken',
  againIntro:
    'In case it did not reach you, the same key can be shown once more. If it was not you who took it, tell the operator at once.',
  againEnds: 'Until',
  showAgain: 'Show it again',
  claimedIntro:
    'It is not shown any more. If it was not you who took it, or you lost it, tell the operator, who can disable it; then apply again.',
  expiredTitle: 'This application has expired',
  expiredIntro: 'There was no answer in time, or the key was not taken in time.',
  again: 'Apply again',
  unknownTitle: 'This link is not known',
  unknownIntro:
    'Was it copied whole? It ends in #claim- and 39 letters and digits. Some time after its end an application is forgotten, too.',
  busyTitle: 'A little slower, please',
  busyIntro: 'Too many requests came from your address. Wait a while and try again.',
  fullTitle: 'No more applications at the moment',
  fullIntro: 'As many wait as the operator can look at. Try again another day.',
  failedTitle: 'That did not work',
  failedIntro: 'The service did not answer as it should. Try again in a moment.',
  unsureTitle: 'No answer came',
  unsureIntro:
    'The connection broke; perhaps your key was made all the same. Try again: within ten minutes you get the same one.',
  tryAgain: 'Try again',
  quotas: 'Quotas',
  anything: 'As much as this service allows',
  quota: '{limit} {meter} {period}',
  requests: 'requests',
  tokens: 'tokens',
  cost: 'units of cost',
  minute: 'a minute',
  hour: 'an hour',
  day: 'a day',
  month: 'a month',
  total: 'in all',
  models: 'Models',
  everyModel: 'all that this service has',
  expires: 'Valid',
  expiresDays: 'for {days} days from when you take it',
  expiresAt: 'until {time}',
  expiresNever: 'without an end',
};

export type PageText = Readonly<Record<keyof typeof english, string>>;

const chinese: PageText = {
  applyTitle: '申请 API 密钥',
  applyIntro: '提交后由管理员审核。通过后，用你的专属链接在本站领取密钥。',
  name: '你的称呼',
  nameHint: '管理员认得出的名字',
  contact: '联系方式',
  contactHint: '例如论坛用户名',
  reason: '用途',
  optional: '选填',
  send: '提交',
  wrong: '内容里有不支持的字符，例如不可见字符。请不要粘贴，改为手动输入。',
  sentTitle: '申请已提交',
  sentIntro: '请保存好下面的链接：查看结果和领取密钥都要靠它，只有你有，丢失后无法找回。过些时候再打开看看。',
  open: '现在打开',
  copy: '复制',
  copied: '已复制',
  copyByHand: '已选中，请手动复制',
  needsScript: '本页面需要启用 JavaScript。',
  claimTitle: '我的密钥申请',
  looking: '请稍候……',
  noneTitle: '请打开你的申请链接',
  noneIntro: '请用提交申请时得到的链接打开本页，或者把链接粘贴到下面。',
  link: '链接',
  go: '打开',
  pendingTitle: '等待审核',
  pendingIntro: '申请还没有结果，请过些时候再打开这个链接查看。',
  pendingEnds: '如果一直无人审核，申请的失效时间：',
  lookAgain: '刷新状态',
  back: '返回',
  approvedTitle: '已通过，可以领取密钥',
  approvedIntro: '点击按钮时才会生成密钥，请当场复制。除你之外没有人能看到它，管理员也不例外。',
  approvedEnds: '领取截止时间：',
  show: '领取密钥',
  keyTitle: '这就是你的密钥',
  keyIntro: '请立即复制并妥善保存，十分钟后不再显示。',
  useTitle: '如何使用',
  useIntro: '在任何兼容 OpenAI 接口的程序里填写这两项：',
  baseUrl: 'Base URL（接口地址）',
  key: 'API 密钥',
  curlIntro: '也可以在终端里试一下：',
  rejectedTitle: '申请未通过',
  rejectedIntro: '管理员没有批准这份申请。',
  rejectedReason: '理由：',
  claimedTitle: '密钥已被领取',
  againIntro: '如果你没有收到，可以再次显示同一个密钥。如果不是你本人领取的，请立即联系管理员。',
  againEnds: '显示截止时间：',
  showAgain: '再次显示',
  claimedIntro: '密钥不再显示。如果不是你本人领取的，或者密钥丢了，请联系管理员停用它，然后重新申请。',
  expiredTitle: '申请已失效',
  expiredIntro: '在期限内没有审核，或者通过后没有及时领取。',
  again: '重新申请',
  unknownTitle: '链接无效',
  unknownIntro:
    '请检查链接是否复制完整：结尾应是 #claim- 加 39 个字母和数字。另外，申请结束一段时间后会被删除。',
  busyTitle: '请求过于频繁',
  busyIntro: '来自你所在网络地址的请求太多，请稍后再试。',
  fullTitle: '暂不接受新申请',
  fullIntro: '等待审核的申请已达上限，请改天再来。',
  failedTitle: '出错了',
  failedIntro: '服务没有正常响应，请稍后再试。',
  unsureTitle: '没有收到响应',
  unsureIntro: '连接中断了，但密钥可能已经生成。请重试：十分钟之内得到的是同一个密钥。',
  tryAgain: '重试',
  quotas: '配额',
  anything: '不另设限额',
  quota: '{period} {limit} {meter}',
  requests: '次请求',
  tokens: '个 token',
  cost: '个计费单位',
  minute: '每分钟',
  hour: '每小时',
  day: '每天',
  month: '每月',
  total: '总共',
  models: '模型',
  everyModel: '本服务提供的全部模型',
  expires: '有效期',
  expiresDays: '自领取之日起 {days} 天',
  expiresAt: '至 {time}',
  expiresNever: '不限',
};

export const PAGE_TEXT: Readonly<Record<Language, PageText>> = { en: english, 'zh-CN': chinese };

/** The language that an Accept-Language header (RFC 9110 §12.5.4) asks for first of those that there are; else English. */
export function languageOf(header: string | null): Language {
  const asked = (header ?? '')
    .slice(0, 500)
    .split(',')
    .map((part, index) => {
      const [tag = '', weight] = part
        .trim()
        .toLowerCase()
        .split(/\s*;\s*q=/);
      return { tag, weight: weight === undefined ? 1 : Number(weight), index };
    });
  const known = asked.filter(({ tag, weight }) => /^(zh|en)\b/.test(tag) && weight > 0);
  const [first] = known.sort((a, b) => b.weight - a.weight || a.index - b.index);
  return first?.tag.startsWith('zh') ? 'zh-CN' : 'en';
}
