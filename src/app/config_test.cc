#include "app/config.h"

#include <gtest/gtest.h>
#include <stdlib.h>  // mkdtemp

#include <filesystem>
#include <fstream>

namespace godwit::app {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kHost = "hostname = \"mx.example.org\"\n";

std::string first_error(std::string_view text) {
  const LoadedConfig loaded = parse_config(std::string(kHost) + std::string(text), "g.toml");
  return loaded.errors.empty() ? "" : describe("g.toml", loaded.errors.front());
}

TEST(Config, Nothing_IsSafeDefaults) {
  const LoadedConfig loaded = parse_config(kHost, "g.toml");
  ASSERT_TRUE(loaded.errors.empty()) << describe("g.toml", loaded.errors.front());
  const Config& config = loaded.config;
  EXPECT_TRUE(config.relay_from.empty());
  EXPECT_TRUE(config.listeners.empty());
  EXPECT_EQ(config.max_message_size, 50u << 20);
  EXPECT_EQ(config.retry.front(), 1min);
  EXPECT_EQ(config.expire, 120h);
  EXPECT_EQ(config.limits.protocol_errors, 20u);
  EXPECT_TRUE(contains(config.forbidden_networks, *parse_ip("127.0.0.1")));
  EXPECT_EQ(config.control_socket(), "/var/lib/godwit/control.sock");
}

TEST(Config, Sites_WrittenOnesStandBeforeConnectionsPerSite) {
  const LoadedConfig loaded = parse_config(std::string(kHost) + R"(
[outbound]
connections_per_site = 2
[[outbound.site]]
match = "*.google.com"
connections = 20
messages_per_connection = 100
rate = ["50/s", "10000/h"]
[[outbound.site]]
match = "mx.example.net"
rate = []
)",
                                           "g.toml");
  ASSERT_TRUE(loaded.errors.empty()) << describe("g.toml", loaded.errors.front());
  const auto of = [&](std::string_view host) { return outbound::limits_of(host, loaded.config.sites, {}); };
  EXPECT_EQ(of("a.google.com").connections, 20u);
  EXPECT_EQ(of("a.google.com").messages_per_connection, 100u);
  EXPECT_EQ(of("a.google.com").rates.size(), 2u);
  EXPECT_EQ(of("mx.example.net").connections, 2u);
  EXPECT_EQ(of("other.test").connections, 2u);
  EXPECT_TRUE(parse_config(kHost, "g.toml").config.sites.empty());
}

TEST(Config, SitesAndReplyClasses_MistakesAreNamed) {
  EXPECT_EQ(first_error("[[outbound.site]]\nmatch = \"*.google.com\"\nrate = \"fast\""),
            "g.toml:4:8: outbound.site[1].rate: \"fast\" is not a rate; write for example \"50/s\", \"100/m\", \"1000/h\" or \"20000/d\"");
  EXPECT_EQ(first_error("[outbound]\nreply_classes = \"/nowhere/x.toml\""),
            "g.toml:3:17: outbound.reply_classes: cannot read /nowhere/x.toml");
}

TEST(Config, Everything_IsRead) {
  const LoadedConfig loaded = parse_config(R"(
hostname = "mx1.example.org"
data_dir = "/srv/mail"
threads = 2
allow = ["192.0.2.0/24"]
[[listener]]
protocol = "smtp"
address = ["0.0.0.0:25", "[::]:25"]
proxy_from = []
[[listener]]
protocol = "pop3s"
address = "127.0.0.1:995"
[tls]
certificate = "/c"
key = "/k"
[store]
engine = "rocksdb"
min_free = "2GiB"
[smtp]
max_message_size = "1MiB"
relay_from = ["10.0.0.0/8"]
[queue]
retry = ["1s", "2s"]
[limits]
connections_per_address = 7
[outbound]
port = 26
forbidden_networks = []
[[route]]
domain = "*.example.net"
to = ["smtp://a:25", "smtp://b:25"]
[[route]]
domain = "*"
to = "hold"
)",
                                           "g.toml");
  ASSERT_TRUE(loaded.errors.empty()) << describe("g.toml", loaded.errors.front());
  const Config& config = loaded.config;
  ASSERT_EQ(config.listeners.size(), 2u);
  EXPECT_EQ(config.listeners[0].addresses[1].text(), "[::]:25");
  EXPECT_EQ(config.limits.connections_per_address, 7u);
  EXPECT_EQ(config.retry, (std::vector<milliseconds>{1s, 2s}));
  ASSERT_EQ(config.routes.size(), 2u);
  EXPECT_EQ(config.routes[0].to.size(), 2u);
  EXPECT_TRUE(config.forbidden_networks.empty());
}

TEST(Config, ImapWithout_IsReadInAnyCase) {
  const LoadedConfig loaded = parse_config(std::string(kHost) + "[imap]\nwithout = [\"qresync\", \"Idle\"]\n", "g.toml");
  ASSERT_TRUE(loaded.errors.empty()) << describe("g.toml", loaded.errors.front());
  EXPECT_EQ(loaded.config.imap_without, (std::vector<std::string>{"IDLE", "QRESYNC"}));
  EXPECT_EQ(first_error("[imap]\nwithout = [\"IMAP4rev1\"]\n"),
            "g.toml:3:11: imap.without: IMAP4rev1 is the language itself; it cannot be switched off");
  EXPECT_NE(first_error("[imap]\nwithout = [\"IDEL\"]\n")
                .find("g.toml:3:11: imap.without: \"IDEL\" is not a capability of this server; there are IMAP4rev2, "),
            std::string::npos);
}

TEST(Config, Errors_NameLineAndMend) {
  EXPECT_EQ(first_error("[smtp]\nmax_mesage_size = \"1MiB\"\n"),
            "g.toml:3:19: smtp.max_mesage_size: there is no such key; did you mean \"max_message_size\"?");
  EXPECT_NE(first_error("[queue]\nexpire = \"5\"\n").find("g.toml:3:10: queue.expire: a unit is missing"), std::string::npos);
  EXPECT_NE(first_error("threads = \"two\"\n").find("expected a whole number"), std::string::npos);
  EXPECT_NE(first_error("[[listener]]\nprotocol = \"lmtp\"\naddress = \"0.0.0.0:24\"\n").find("not in this release"), std::string::npos);
  EXPECT_NE(first_error("[[listener]]\nprotocol = \"smtp\"\n").find("address: is missing"), std::string::npos);
  EXPECT_NE(first_error("[[listener]]\nprotocol = \"pop3s\"\naddress = \"0.0.0.0:995\"\n").find("need a certificate"), std::string::npos);
  EXPECT_NE(first_error("[smtp]\nrelay_from = [\"10.0.0.1/8\"]\n").find("bits set behind its prefix"), std::string::npos);
  EXPECT_NE(first_error("[store]\nengine = \"postgresql\"\n").find("not in this release"), std::string::npos);
  EXPECT_NE(first_error("a = [1,\n").find("this is not TOML"), std::string::npos);
  EXPECT_NE(first_error("[\n[queue]\n").find("this is not TOML"), std::string::npos);
  EXPECT_NE(first_error("listener = 3\n").find("[[listener]]"), std::string::npos);
  EXPECT_NE(first_error("data_dir = \"relative\"\n").find("absolute"), std::string::npos);
}

TEST(Config, Routes_AreCheckedWhereTheyStand) {
  EXPECT_NE(
      first_error("[[route]]\ndomain = \"a.test\"\nto = \"nonsense\"\n").find("g.toml:4:6: route[1].to: \"nonsense\" is no destination"),
      std::string::npos);
  EXPECT_EQ(first_error("[[route]]\ndomain = \"a.test\"\nto = \"mx\"\n"), "");
  EXPECT_NE(first_error("[[route]]\ndomain = \"exa mple\"\nto = \"hold\"\n").find("this is no domain"), std::string::npos);
  EXPECT_NE(
      first_error("[[route]]\ndomain = \"*\"\nto = \"hold\"\n[[route]]\ndomain = \"a.test\"\nto = \"hold\"\n").find("can never match"),
      std::string::npos);
}

TEST(Config, Routes_WithEverythingThatTheyMayHave) {
  const LoadedConfig loaded = parse_config(std::string(kHost) + R"(
[[route]]
recipient = "anna@example.org"
to = "discard"
[[route]]
sender = ["*@news.example.org", "<>"]
tenant = "example.org"
header = "X-Campaign: news*"
to = ["smtps://relay.example.net", "smtp://relay.example.net:587"]
tls = "verify"
tls_name = "relay.example.net"
user = "anna"
password_file = "/etc/godwit/relay.password"
[[route]]
domain = "boxes.example.org"
to = "lmtp://unix:/run/dovecot/lmtp"
)",
                                           "g.toml");
  ASSERT_TRUE(loaded.errors.empty()) << describe("g.toml", loaded.errors.front());
  const auto& routes = loaded.config.routes;
  ASSERT_EQ(routes.size(), 3u);
  EXPECT_EQ(routes[0].recipient, std::vector<std::string>{"anna@example.org"});
  EXPECT_EQ(routes[1].sender, (std::vector<std::string>{"*@news.example.org", "<>"}));
  EXPECT_EQ(routes[1].tenant, std::vector<std::string>{"example.org"});
  EXPECT_EQ(routes[1].header, std::vector<std::string>{"X-Campaign: news*"});
  EXPECT_EQ(routes[1].to.size(), 2u);
  EXPECT_EQ(routes[1].tls, "verify");
  EXPECT_EQ(routes[1].tls_name, "relay.example.net");
  EXPECT_EQ(routes[1].user, "anna");
  EXPECT_EQ(routes[1].password_file, "/etc/godwit/relay.password");
}

// [dsn]: a bad template is an error with its file and line.
TEST(Config, Reports_TextsAndLanguages) {
  EXPECT_EQ(parse_config(kHost, "g.toml").config.dsn_texts, nullptr);
  EXPECT_EQ(first_error("[dsn]\nlanguage = \"de\"\n[[dsn.tenant]]\ndomain = \"example.org\"\nlanguage = \"en\"\n"), "");
  EXPECT_EQ(first_error("[dsn]\nlanguage = \"fr\"\n"),
            "g.toml:3:12: dsn.language: \"fr\" is no language of reports here; there are: de, en");
  EXPECT_NE(first_error("[dsn]\n[[dsn.tenant]]\ndomain = \"a b\"\nlanguage = \"de\"\n").find("dsn.tenant[1].domain: this is no domain"),
            std::string::npos);
  EXPECT_NE(first_error("[dsn]\ntemplates = \"/nowhere\"\n").find("g.toml:3:13: dsn.templates: cannot read the folder /nowhere: "),
            std::string::npos);
  std::string folder = "/tmp/godwit-texts-XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const std::string section = "[dsn]\ntemplates = \"" + folder + "\"\nlanguage = \"de\"\n";
  std::ofstream(folder + "/failed.de.txt") << "Subject: {address}\n\n{oops}\n";
  EXPECT_NE(first_error(section).find("dsn.templates: " + folder + "/failed.de.txt:3: {oops} is not known; there are: message, "),
            std::string::npos)
      << first_error(section);
  std::ofstream(folder + "/failed.de.txt") << "Subject: {address}\n\n{message}\n";
  EXPECT_EQ(first_error(section), "");
  std::filesystem::create_directory(folder + "/late.de.txt");  // no file: an error of the configuration, and no more than that
  EXPECT_NE(first_error(section).find("cannot read " + folder + "/late.de.txt"), std::string::npos) << first_error(section);
  std::filesystem::remove(folder + "/late.de.txt");
  std::ofstream(folder + "/failed.fr.txt") << "Subject: {address}\n\n{message}\n";
  EXPECT_NE(first_error(section).find("the language \"fr\" is not complete"), std::string::npos);
  std::filesystem::remove_all(folder);
}

// Each nonsense with its line, its key and its mend.
TEST(Config, Routes_ThatCannotBeMeant) {
  struct Case {
    std::string_view route, error;
  };
  for (const Case& c : {
           Case{"to = \"hold\"\n", "g.toml:2:1: route[1].domain: is missing; write domain = "},
           Case{"domain = \"a.test\"\n", "g.toml:2:1: route[1].to: is missing; write to = "},
           Case{"recipient = \"a.test\"\nto = \"hold\"\n", "g.toml:3:13: route[1].recipient: \"a.test\" is no address: write"},
           Case{"sender = \"a.test\"\nto = \"hold\"\n", "g.toml:3:10: route[1].sender: \"a.test\" is no address: write"},
           Case{"tenant = \"a b\"\nto = \"hold\"\n", "g.toml:3:10: route[1].tenant: this is no domain"},
           Case{"header = \"X-Spam\"\nto = \"hold\"\n", "g.toml:3:10: route[1].header: \"X-Spam\" is no header condition: write"},
           Case{"domain = \"*\"\nto = \"lmtp://h:25\"\n", "g.toml:4:6: route[1].to: \"lmtp://h:25\" is the port of SMTP"},
           Case{"domain = \"*\"\nto = [\"smtp://h\", \"lmtp://h\"]\n", "g.toml:4:6: route[1].to: \"lmtp://h:24\" speaks another protocol"},
           Case{"domain = \"*\"\nto = \"smtp://h\"\ntls = \"on\"\n", "g.toml:5:7: route[1].tls: \"on\" is no level; write \"none\""},
           Case{"domain = \"*\"\nto = \"smtps://h\"\ntls = \"none\"\n", "g.toml:5:7: route[1].tls: \"smtps://h:465\" is always encrypted"},
           Case{"domain = \"*\"\nto = \"hold\"\ntls = \"verify\"\n", "g.toml:5:7: route[1].tls: is for hops and for \"mx\""},
           Case{"domain = \"*\"\nto = \"smtp://h\"\ntls_name = \"x.test\"\n",
                "g.toml:5:12: route[1].tls_name: is the name in the server's"},
           Case{"domain = \"*\"\nto = \"smtp://h\"\nuser = \"a\"\n", "g.toml:5:8: route[1].user: has no password: write password_file"},
           Case{"domain = \"*\"\nto = \"mx\"\nuser = \"a\"\npassword_file = \"/p\"\n", "g.toml:5:8: route[1].user: is for hops"},
           Case{"domain = \"*\"\nto = \"smtp://h\"\npassword = \"a\"\n",
                "route[1].password: there is no such key; known here are: domain, header, password_file"},
       }) {
    const std::string error = first_error("[[route]]\n" + std::string(c.route));
    EXPECT_NE(error.find(c.error), std::string::npos) << error;
  }
}

TEST(Config, NameServers_AreAddressesOrTheSystems) {
  EXPECT_EQ(first_error("[dns]\nservers = [\"system\"]\n"), "");
  EXPECT_EQ(first_error("[dns]\nservers = [\"192.0.2.53\", \"[::1]:5353\"]\ntrust_anchor = \"\"\n"), "");
  EXPECT_NE(first_error("[dns]\nservers = [\"dns.example.net\"]\n").find("dns.servers: "), std::string::npos);
  EXPECT_NE(first_error("[dns]\nservers = [\"system\", \"192.0.2.53\"]\n").find("dns.servers: "), std::string::npos);
}

TEST(Config, Values_ThatCannotWork_AreRefused) {
  EXPECT_NE(first_error("[limits]\ncommand_timeout = \"0s\"\n").find("too short; 1 s is the least"), std::string::npos);
  EXPECT_NE(first_error("[smtp]\nmax_message_size = \"0B\"\n").find("too little"), std::string::npos);
  EXPECT_NE(first_error("[smtp]\nmax_message_size = \"\"\n").find("max_message_size: "), std::string::npos);
  EXPECT_NE(first_error("[smtp]\nrelay_from = [\"0.0.0.0/0\"]\n").find("open relay"), std::string::npos);
  EXPECT_NE(first_error("[[listener]]\nprotocol = \"smtp\"\naddress = []\n").find("is empty"), std::string::npos);
  EXPECT_NE(first_error("[[listener]]\nprotocol = \"smtp\"\naddress = \"127.0.0.1:25\"\n"
                        "[[listener]]\nprotocol = \"http\"\naddress = \"127.0.0.1:25\"\n")
                .find("is taken by a listener above"),
            std::string::npos);
}

TEST(Config, Pop3_PoliciesThatItAnnounces) {
  const LoadedConfig nothing = parse_config(kHost, "g.toml");
  EXPECT_EQ(nothing.config.pop3_expire, "never");
  EXPECT_EQ(nothing.config.pop3_login_delay, 0s);
  const LoadedConfig both = parse_config(std::string(kHost) + "[pop3]\nexpire = \"0d\"\nlogin_delay = \"1m30s\"\n", "g.toml");
  ASSERT_TRUE(both.errors.empty()) << describe("g.toml", both.errors.front());
  EXPECT_EQ(both.config.pop3_expire, "0d");
  EXPECT_EQ(both.config.pop3_login_delay, 90s);
  EXPECT_EQ(first_error("[pop3]\nexpire = \"30d\"\n"), "g.toml:3:10: pop3.expire: \"30d\" is not known here; write one of: never, 0d");
  EXPECT_NE(first_error("[pop3]\nlogin_delay = \"1500ms\"\n").find("whole seconds"), std::string::npos);
  EXPECT_NE(first_error("[pop3]\nlogin_delay = \"60\"\n").find("a unit is missing"), std::string::npos);
}

TEST(Config, HostnameOfOneLabel_IsAWarning) {
  const LoadedConfig loaded = parse_config("hostname = \"mx\"\n", "g.toml");
  EXPECT_TRUE(loaded.errors.empty());
  ASSERT_EQ(loaded.warnings.size(), 1u);
  EXPECT_NE(loaded.warnings[0].problem.find("is not a full name"), std::string::npos);
}

TEST(Config, AllErrors_ComeAtOnceInOrder) {
  const LoadedConfig loaded = parse_config("hostname = \"x y\"\nnonsense = 1\n[smtp]\nmore = 2\n", "g.toml");
  ASSERT_EQ(loaded.errors.size(), 3u);
  EXPECT_EQ(loaded.errors[1].line, 2u);
  EXPECT_EQ(loaded.errors[2].line, 4u);
}

TEST(Config, MissingFile_IsNamed) {
  const LoadedConfig loaded = load_config("/nonexistent/godwit.toml");
  ASSERT_FALSE(loaded.errors.empty());
  EXPECT_EQ(describe("/nonexistent/godwit.toml", loaded.errors.front()),
            "/nonexistent/godwit.toml: cannot read it: No such file or directory");
  EXPECT_EQ(describe("/", load_config("/").errors.at(0)), "/: cannot read it: Is a directory");
}

TEST(Config, QueueSharesAndClasses) {
  const auto loaded = parse_config(R"(
hostname = "mx.example.org"
[[queue.share]]
tenant = "Example.COM"
weight = 4
[[queue.class]]
sender = "alerts@example.com"
priority = "urgent"
[[queue.class]]
tenant = ["news.example.com", "*.bulk.example"]
priority = "non-urgent"
)",
                                   "g.toml");
  ASSERT_TRUE(loaded.errors.empty()) << loaded.errors[0].problem;
  EXPECT_EQ(loaded.config.shares.at("example.com"), 4u);
  ASSERT_EQ(loaded.config.priorities.size(), 2u);
  EXPECT_EQ(queue::urgency_of(loaded.config.priorities[0].priority), queue::Urgency::urgent);
  EXPECT_EQ(queue::priority_of(loaded.config.priorities[1].priority), -4);
  EXPECT_NE(
      first_error("[[queue.share]]\ntenant = \"a b\"\nweight = 2\n").find("g.toml:3:10: queue.share[1].tenant: \"a b\" is not a domain"),
      std::string::npos);
  EXPECT_NE(first_error("[[queue.share]]\ntenant = \"a.example\"\n").find("weight: is missing"), std::string::npos);
  EXPECT_NE(first_error("[[queue.class]]\npriority = \"urgent\"\n").find("sender: is missing"), std::string::npos);
  EXPECT_NE(first_error("[[queue.class]]\nsender = \"a@b.example\"\n").find("priority: is missing"), std::string::npos);
}

}  // namespace
}  // namespace godwit::app
