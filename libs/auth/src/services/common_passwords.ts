import { canonicalLogin } from './login_name.ts';

/** Passwords of at least eight characters that lead every published list of leaks; compared in lower case. */
const COMMON = new Set(
  `
  12345678 123456789 1234567890 12345678910 0123456789 0987654321 987654321 87654321 9876543210 123123123 112233445566
  11223344 1122334455 12341234 12344321 123454321 1234554321 11112222 13131313 14141414 147258369 159357456 159753456
  12121212 12301230 123321123 123456123 123456789a 123456789q 1234567a 1234567q 12345qwert 12345abc 1234abcd 1234qwer
  123qwe123 123qweasd 123qweasdzxc 123abc123 12qwaszx 1a2b3c4d 1q2w3e4r 1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx 1qaz2wsx3edc
  1qazxsw2 741852963 789456123 78945612 963852741 147852369 13579246 135792468 24681012 20202020 19191919 10101010
  a1234567 a12345678 a123456789 a1b2c3d4 a1s2d3f4 aa123456 aa12345678 ab123456 abc12345 abc123456 abc123abc abcd1234
  abcd12345 abcde123 abcdefgh abcdefg1 admin123 admin1234 admin12345 administrator asd12345 asdasdasd asdf1234 asdfasdf
  asdfghjk asdfghjkl asdfjkl; asdqwe123 alexander alexandra anderson angelina arsenal1 asshole1 australia babygirl
  babygirl1 babyboy1 barcelona baseball baseball1 basketball batman123 beautiful benjamin blackberry blahblah blink182
  bluebird brooklyn buttercup butterfly butterfly1 california caroline carolina catherine challenge champion changeme
  changeme1 changeme123 charlie1 charlotte chelsea1 chester1 chicken1 chocolate chocolate1 christian christina
  christine christmas clemson1 cocacola computer computer1 concrete corvette cowboys1 creative daniel123 danielle
  database december default1 dennis123 destiny1 diamond1 discovery disney123 dolphin1 dolphins dragon12 dragon123
  dragonball einstein elephant elizabeth elizabeth1 emmanuel enterprise facebook familia1 fernando firebird flower123
  football football1 football123 forever1 formula1 francisco franklin freedom1 friendly friends1 fuckyou1 fuckyou123
  gabriella gangster garfield gateway1 ginger123 giovanni goodluck greenday hallo123 hannah123 hardcore harley01
  hello123 hello1234 hellohello hellokitty hockey123 homework iloveyou iloveyou1 iloveyou123 iloveyou2 iloveyou!
  independence infinity internet isabella jackson1 jennifer jennifer1 jessica1 jessica123 johncena jonathan jordan23
  jordan123 juventus karolina katherine kimberly kingkong kristina lakers24 lasvegas lawrence letmein1 letmein123
  letmein! leonardo liverpool liverpool1 lollipop london123 loveyou1 lovelove loverboy lucky123 madison1 majesty1
  manchester mariposa marlboro maryjane master123 masterkey matthew1 maverick melissa1 mercedes metallica michael1
  michael123 michelle michelle1 midnight minecraft mississippi mitchell money123 monkey12 monkey123 monster1 motorola
  mountain mustang1 myspace1 naruto123 nicholas nicole123 nintendo nirvana1 november october1 offspring orange123
  p@ssw0rd p@ssword p@ssw0rd1 p@55w0rd pa$$word pa$$w0rd pa55word pa55w0rd pakistan panasonic paradise passport passw0rd
  passw0rd1 passw0rd! password password! password. password0 password01 password1 password1! password11 password12
  password123 password123! password1234 password2 password3 password21 passwort passwort1 patricia patrick1 peaches1
  peanut123 penguin1 pokemon1 pokemon123 porsche911 portugal poohbear precious princess princess1 princess123 princesa
  pumpkin1 purple123 q1w2e3r4 q1w2e3r4t5 q1w2e3r4t5y6 qazwsx123 qazwsxedc qazxsw123 qq123456 qwaszx123 qwe123456
  qwe123qwe qweasd123 qweasdzxc qweqweqwe qwer1234 qwerasdf qwert123 qwert1234 qwert12345 qwerty01 qwerty11 qwerty12
  qwerty123 qwerty1234 qwerty12345 qwerty123456 qwertyui qwertyuiop qwertyqwerty qwertz123 rainbow1 rangers1 rastaman
  realmadrid rebecca1 remember richard1 robert123 rockstar rockyou1 ronaldo7 rootroot rush2112 sabrina1 samantha
  samantha1 samsung1 samsung123 scooby123 scorpion secret123 security september sergio123 service1 shadow123 shannon1
  sheffield silver123 skateboard slipknot smokey123 snickers snowball soccer12 soccer123 softball something spiderman
  spiderman1 spongebob squirrel starcraft starwars starwars1 steelers stephanie strawberry student1 summer123 sunflower
  sunshine sunshine1 superman superman1 superman123 superstar supernova sweetheart sweetie1 swordfish tequiero
  test1234 test12345 test123456 testtest testing1 testing123 thailand thebeast thomas123 thunder1 tigger123 tinkerbell
  tokiohotel toshiba1 tottenham trustno1 trustno1! truelove twilight university unicorn1 universal valentina vanessa1
  veronica victoria victoria1 virginia volleyball warcraft warcraft1 warrior1 washington welcome1 welcome12 welcome123
  welcome1! westside whatever whatever1 whiskey1 william1 wolverine woodland wrestling xbox360x yankees1 yellow12
  youtube1 zaq12wsx zaq1xsw2 zaqwsx123 zxcasdqwe zxcv1234 zxcvbnm1 zxcvbnm123 zxcvbnm, zxczxczxc warren123
  `
    .trim()
    .split(/\s+/),
);

const ONE_CHARACTER = /^(.)\1*$/su;

/** Why a password is too easy to guess, as a sentence for people; undefined when it is not. */
export function passwordFault(password: string, login: string): string | undefined {
  const normal = password.normalize('NFKC').toLowerCase();
  if (COMMON.has(normal)) return 'is one of the most common passwords';
  if (ONE_CHARACTER.test(normal)) return 'is one character, repeated';
  return canonicalLogin(password) === canonicalLogin(login) ? 'must not be the login' : undefined;
}
