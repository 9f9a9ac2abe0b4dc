#include "grammar/imap/command.h"

#include "grammar/imap/command_fixture.h"
#include "grammar/imap/limits.h"

namespace godwit::imap {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Optional;
using testing::Pair;

constexpr Dialect kUtf8{.utf8_accept = true};

TEST(ImapCommand, WithoutArguments_AndNames) {
  for (const std::string name :
       {"CAPABILITY", "NOOP", "LOGOUT", "STARTTLS", "NAMESPACE", "IDLE", "CHECK", "CLOSE", "UNSELECT", "EXPUNGE"}) {
    const auto command = parse_command("A142 " + name);
    ASSERT_TRUE(command.has_value()) << name;
    EXPECT_EQ(name_of(command->request), name);
    EXPECT_EQ(command->tag, "A142");
    EXPECT_BAD(name + " ");
    EXPECT_BAD(name + " x");
  }
  EXPECT_TRUE(parse_command("a noop").has_value());
  for (const std::string text :
       {"EXAMINE x",     "UNSUBSCRIBE x",   "LSUB \"\" *",      "XLIST \"\" *",     "LIST \"\" *",           "UID COPY 1 x",
        "MOVE 1 x",      "UID FETCH 1 UID", "STORE 1 FLAGS ()", "UID SEARCH ALL",   "SORT (DATE) UTF-8 ALL", "THREAD REFERENCES UTF-8 ALL",
        "GETQUOTA \"\"", "GETQUOTAROOT x",  "SETQUOTA \"\" ()", "COMPRESS DEFLATE", "UID EXPUNGE 1",         "APPEND x {1}\r\n",
        "ID NIL",        "ENABLE X"}) {
    const auto command = parse_command("a " + text);
    ASSERT_TRUE(command.has_value()) << text;
    EXPECT_TRUE(text.starts_with(name_of(command->request))) << text;
  }
}

TEST(ImapCommand, Tags) {
  EXPECT_EQ(tag_of("a001 NOOP"), "a001");
  EXPECT_EQ(tag_of("a]b.c}-_ FOO"), "a]b.c}-_");
  EXPECT_EQ(tag_of("a001"), "a001");
  for (const std::string text :
       {"", " NOOP", "+ NOOP", "a+b NOOP", "a(b NOOP", "\"a\" NOOP", "* NOOP", "a\tNOOP", "\xc3\xa9 NOOP", "{5}"}) {
    EXPECT_EQ(tag_of(text), "*") << text;
    EXPECT_FALSE(parse_command(text).has_value()) << text;
  }
  EXPECT_EQ(tag_of(std::string(kMaxTag, 'x') + " NOOP").size(), kMaxTag);
  EXPECT_EQ(tag_of(std::string(kMaxTag + 1, 'x') + " NOOP"), "*");
}

TEST(ImapCommand, Unknown_Unsupported) {
  for (const std::string text :
       {"FOO", "NOOPX", "UID NOOP", "UID LIST \"\" *", "GETACL INBOX", "UIDFETCH 1 UID", "DONE", "NOOP\t", "X-MORE"}) {
    EXPECT_UNKNOWN(text);
  }
  EXPECT_BAD("");
  EXPECT_BAD(" NOOP");
  EXPECT_BAD("(NOOP)");
  EXPECT_BAD("UID");
  EXPECT_BAD("UID  FETCH 1 UID");
}

TEST(ImapCommand, Done) {
  EXPECT_TRUE(is_done("DONE"));
  EXPECT_TRUE(is_done("done"));
  EXPECT_FALSE(is_done("DONE "));
  EXPECT_FALSE(is_done("a DONE"));
}

TEST(ImapCommand, Rfc9051_6_2_3_Login) {
  const auto login = parsed<Login>("LOGIN SMITH SESAME");
  EXPECT_EQ(login.user, "SMITH");
  EXPECT_EQ(login.password, "SESAME");
  // RFC 3501 4.3, 7.5: literals
  const auto literals = parsed<Login>("LOGIN {11}\r\nFRED FOOBAR {7}\r\nfat man");
  EXPECT_EQ(literals.user, "FRED FOOBAR");
  EXPECT_EQ(literals.password, "fat man");
  EXPECT_EQ(parsed<Login>("login \"a@example.org\" \"p\\\"\\\\ \"").password, "p\"\\ ");
  EXPECT_EQ(parsed<Login>("LOGIN u {0}\r\n").password, "");
  EXPECT_EQ(parsed<Login>("LOGIN u \"\"").password, "");
  EXPECT_EQ(parsed<Login>("LOGIN u a]b").password, "a]b");
  EXPECT_EQ(parsed<Login>("LOGIN u {2+}\r\n\xc3\xbc").password, "ü");
  for (const std::string text : {"LOGIN",
                                 "LOGIN ",
                                 "LOGIN u",
                                 "LOGIN u ",
                                 "LOGIN u  p",
                                 "LOGIN u p x",
                                 "LOGIN u p ",
                                 "LOGIN u \"p",
                                 "LOGIN u \"p\\x\"",
                                 "LOGIN u p(",
                                 "LOGIN u p\"q",
                                 "LOGIN u {3}\r\nab",
                                 "LOGIN u {3} abc",
                                 "LOGIN u {3}abc",
                                 "LOGIN u {}\r\n",
                                 "LOGIN u {-1}\r\n",
                                 "LOGIN u ~{1}\r\na",
                                 "LOGIN u \"a\r\nb\"",
                                 "LOGIN u \xc3\xbc",
                                 "LOGIN u \"\xc3\xbc\"",
                                 "LOGIN u *",
                                 "LOGIN\tu p"}) {
    EXPECT_NE(refusal(text), "") << text;
  }
  EXPECT_NE(refusal(std::string("LOGIN u {1}\r\n\0", 14)), "");
  EXPECT_NE(refusal(std::string("LOGIN u \"\0\"", 11)), "");
  EXPECT_EQ(parsed<Login>("LOGIN u \"ü\"", kUtf8).password, "ü");
  EXPECT_NE(refusal("LOGIN u \"\xff\"", kUtf8), "");
}

TEST(ImapCommand, Authenticate) {
  EXPECT_EQ(parsed<Authenticate>("AUTHENTICATE GSSAPI").initial_response, std::nullopt);
  const auto plain = parsed<Authenticate>("authenticate plain dGVzdAB0ZXN0AHRlc3Q=");  // RFC 4959 4
  EXPECT_EQ(plain.mechanism, "PLAIN");
  EXPECT_THAT(plain.initial_response, Optional(std::string("dGVzdAB0ZXN0AHRlc3Q=")));
  EXPECT_THAT(parsed<Authenticate>("AUTHENTICATE EXTERNAL =").initial_response, Optional(std::string()));
  for (const std::string text : {"AUTHENTICATE", "AUTHENTICATE ", "AUTHENTICATE PLAIN ", "AUTHENTICATE PLAIN a b", "AUTHENTICATE PLAIN a-b",
                                 "AUTHENTICATE \"PLAIN\"", "AUTHENTICATE ABCDEFGHIJKLMNOPQRSTU"}) {
    EXPECT_BAD(text);
  }
}

TEST(ImapCommand, EnableIdCompress) {
  EXPECT_THAT(parsed<Enable>("ENABLE CONDSTORE x-good-idea").capabilities, ElementsAre("CONDSTORE", "X-GOOD-IDEA"));  // RFC 5161 3.1
  EXPECT_THAT(parsed<Enable>("ENABLE UTF8=ACCEPT").capabilities, ElementsAre("UTF8=ACCEPT"));
  EXPECT_BAD("ENABLE");
  EXPECT_BAD("ENABLE ");
  EXPECT_BAD("ENABLE (QRESYNC)");
  // RFC 2971 3.1
  EXPECT_THAT(parsed<Id>("ID (\"name\" \"sodr\" \"version\" \"19.34\" \"vendor\" \"Pink Floyd Music Limited\")").fields,
              ElementsAre(Pair("name", Optional(std::string("sodr"))), Pair("version", Optional(std::string("19.34"))),
                          Pair("vendor", Optional(std::string("Pink Floyd Music Limited")))));
  EXPECT_THAT(parsed<Id>("ID NIL").fields, IsEmpty());
  EXPECT_THAT(parsed<Id>("ID ()").fields, IsEmpty());
  EXPECT_THAT(parsed<Id>("ID (\"os\" nil)").fields, ElementsAre(Pair("os", std::nullopt)));
  for (const std::string text : {"ID", "ID (name \"x\")", "ID (\"a\")", "ID (\"a\" b)", "ID (\"a\" \"b\"", "ID (\"a\" \"b\" )"})
    EXPECT_BAD(text);
  EXPECT_EQ(refusal("ID (\"" + std::string(31, 'n') + "\" NIL)"), "limit");
  EXPECT_EQ(refusal("ID (\"n\" \"" + std::string(1025, 'v') + "\")"), "limit");
  parsed<Compress>("COMPRESS DEFLATE");  // RFC 4978 3
  parsed<Compress>("compress deflate");
  EXPECT_UNKNOWN("COMPRESS LZ4");
  EXPECT_BAD("COMPRESS");
}

TEST(ImapCommand, Quota) {
  EXPECT_EQ(parsed<GetQuota>("GETQUOTA \"!partition/sda4\"").root, "!partition/sda4");  // RFC 9208 4.1.1
  EXPECT_EQ(parsed<GetQuota>("GETQUOTA \"\"").root, "");
  EXPECT_EQ(parsed<GetQuotaRoot>("GETQUOTAROOT inbox").mailbox, "INBOX");  // RFC 9208 4.1.2
  const auto set = parsed<SetQuota>("SETQUOTA \"!partition/sda4\" (STORAGE 510 message 100)");
  EXPECT_THAT(set.limits, ElementsAre(Pair("STORAGE", 510u), Pair("MESSAGE", 100u)));
  EXPECT_THAT(parsed<SetQuota>("SETQUOTA x ()").limits, IsEmpty());
  for (const std::string text :
       {"GETQUOTA", "SETQUOTA x", "SETQUOTA x (STORAGE)", "SETQUOTA x (STORAGE -1)", "SETQUOTA x (STORAGE 9223372036854775808)"}) {
    EXPECT_BAD(text);
  }
}

}  // namespace
}  // namespace godwit::imap
