// PostgreSQL's abbreviations of time zones (its default set): an offset that never changes, or the zone whose time they are.

/** By offset from UTC in minutes; what is a summer time is one all year. */
const fixed: readonly (readonly [number, string])[] = [
  [-600, 'HST TAHT'],
  [-570, 'MART'],
  [-540, 'AKST GAMT'],
  [-480, 'AKDT PST'],
  [-420, 'MST PDT'],
  [-360, 'CST GALT MDT'],
  [-300, 'ACT CDT COT EST PET'],
  [-240, 'AMT AST BOT EDT'],
  [-210, 'NFT NST'],
  [-180, 'ADT BRA BRT CLST GFT PMST PYST UYT WGT'],
  [-150, 'NDT'],
  [-120, 'BRST FNT PMDT UYST WGST'],
  [-60, 'AZOT EGT FNST'],
  [0, 'AZOST EGST GMT UCT UT UTC WET Z ZULU'],
  [60, 'BST CET MET MEZ WAT WETDST'],
  [120, 'BDST CEST CETDST EET IST MEST MESZ METDST SAST'],
  [180, 'EAT EEST EETDST FET IDT'],
  [210, 'IRT'],
  [240, 'MSD MUT RET SCT'],
  [270, 'AFT'],
  [300, 'MUST MVT PKT TFT TJT UZT'],
  [345, 'NPT'],
  [360, 'ALMT BDT BTT KGST PKST UZST XJT YEKST'],
  [390, 'MMT'],
  [420, 'ALMST CXT ICT WAST'],
  [480, 'AWST BNT BORT CCT HKT MYT PHT WADT'],
  [525, 'ACWST'],
  [540, 'AWSST JAYT JST KST PWT ULAST WDT'],
  [570, 'ACST CAST'],
  [600, 'AEST CHUT DDUT KDT LIGT MPT PGT TRUT YAPT'],
  [630, 'ACDT ACSST CADT LHST SADT'],
  [660, 'AEDT AESST PONT VUT'],
  [720, 'FJT GILT MHT NZST NZT TVT WAKT WFT'],
  [765, 'CHAST'],
  [780, 'FJST NZDT TOT'],
  [825, 'CHADT'],
];

/** Their offset changed, so that the zone tells it. */
const ofZone: readonly (readonly [string, string])[] = [
  ['America/Argentina/Buenos_Aires', 'ARST ART'],
  ['America/Asuncion', 'PYT'],
  ['America/Caracas', 'VET'],
  ['America/Guyana', 'GYT'],
  ['America/Santiago', 'CLT'],
  ['Antarctica/Davis', 'DAVT'],
  ['Antarctica/Mawson', 'MAWT'],
  ['Asia/Anadyr', 'ANAST ANAT'],
  ['Asia/Ashgabat', 'TMT'],
  ['Asia/Baku', 'AZST AZT'],
  ['Asia/Bishkek', 'KGT'],
  ['Asia/Colombo', 'LKT'],
  ['Asia/Irkutsk', 'IRKST IRKT'],
  ['Asia/Kamchatka', 'PETST PETT'],
  ['Asia/Krasnoyarsk', 'KRAST KRAT'],
  ['Asia/Magadan', 'MAGST MAGT'],
  ['Asia/Novosibirsk', 'NOVST NOVT'],
  ['Asia/Omsk', 'OMSST OMST'],
  ['Asia/Singapore', 'SGT'],
  ['Asia/Tbilisi', 'GEST GET'],
  ['Asia/Ulaanbaatar', 'ULAT'],
  ['Asia/Vladivostok', 'VLAST VLAT'],
  ['Asia/Yakutsk', 'YAKST YAKT'],
  ['Asia/Yekaterinburg', 'YEKT'],
  ['Asia/Yerevan', 'AMST'],
  ['Atlantic/Stanley', 'FKST FKT'],
  ['Australia/Lord_Howe', 'LHDT'],
  ['Europe/Volgograd', 'VOLT'],
  ['Indian/Chagos', 'IOT'],
  ['Pacific/Easter', 'EASST EAST'],
  ['Pacific/Fakaofo', 'TKT'],
  ['Pacific/Kiritimati', 'LINT'],
  ['Pacific/Kosrae', 'KOST'],
  ['Pacific/Niue', 'NUT'],
  ['Pacific/Rarotonga', 'CKT'],
];

/** Zones of the IANA data whose names look like abbreviations; the engine knows more names of that kind, with other meanings. */
const zoneNames =
  'CST6CDT Cuba Egypt Eire EST5EDT GB GB-Eire GMT+0 GMT-0 GMT0 Greenwich Hongkong Iceland Iran Israel Jamaica Japan ' +
  'Kwajalein Libya MST7MDT Navajo NZ NZ-CHAT Poland Portugal PRC PST8PDT ROC ROK Singapore Turkey Universal W-SU';

const minutesOf = new Map(fixed.flatMap(([minutes, names]) => names.split(' ').map((name) => [name, minutes])));
const zoneOf = new Map(ofZone.flatMap(([zone, names]) => names.split(' ').map((name) => [name, zone])));
const known: ReadonlySet<string> = new Set(zoneNames.toUpperCase().split(' '));

/** What a name without a slash means: an offset in minutes, the name of a zone, or nothing. */
export function zoneOfShortName(name: string): number | string | null {
  const upper = name.toUpperCase();
  return minutesOf.get(upper) ?? zoneOf.get(upper) ?? (known.has(upper) ? name : null);
}
