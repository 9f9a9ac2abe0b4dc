// The login to a smarthost: mechanisms by strength, and no password where somebody could listen in.

#include "base/encoding.h"
#include "base/metrics.h"
#include "grammar/sasl/scram.h"
#include "service/outbound/outbound_fixture.h"
#include "testing/memory_engine.h"

namespace godwit::outbound {
namespace {

using crypto::Hash;
using routing::Tls;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using namespace std::chrono_literals;

constexpr std::string_view kFile = "/etc/godwit/relay.password";

// A server's side of SCRAM, for one account.
class ScramServer {
 public:
  ScramServer(Hash hash, std::string password) : hash_(hash), password_(std::move(password)) {}
  bool knows_the_password = true;

  std::string first(const std::string& message) {
    bare_ = message.substr(3);
    const std::string nonce = message.substr(message.find(",r=") + 3);
    first_ = "r=" + nonce + "srv,s=" + base64_encode("salty") + ",i=4096";
    return first_;
  }
  // "" for a proof that is none.
  std::string last(const std::string& message) {
    const std::size_t proof = message.find(",p=");
    const std::string salted = sasl::scram_salted_password(hash_, password_, "salty", 4096);
    const std::string auth = bare_ + "," + first_ + "," + message.substr(0, proof);
    if (message.substr(proof + 3) != base64_encode(sasl::scram_client_proof(hash_, salted, auth))) return {};
    return "v=" + base64_encode(sasl::scram_server_signature(hash_, knows_the_password ? salted : "?", auth));
  }

 private:
  const Hash hash_;
  const std::string password_;
  std::string bare_;
  std::string first_;
};

class LoginTest : public OutboundTest {
 protected:
  LoginTest() {
    names_["relay.test"] = {at(1).address};
    settings_->passwords[std::string(kFile)] = "tanstaaf";
    settings_->verifying = verifying_;
    route("smtp://127.0.0.1:2600");
  }
  void route(const std::string& hop, std::optional<Tls> level = std::nullopt) {
    auto site = route_site({hop});
    site->tls = level;
    site->login = routing::Login{"tim", std::string(kFile)};
    site->name += " user=tim";
    site_ = site;
  }
  void offers(std::string mechanisms, bool starttls = false) {
    server_.extensions = {"PIPELINING", "AUTH " + std::move(mechanisms)};
    if (starttls) server_.extensions.push_back("STARTTLS");
  }
  // The lines between EHLO and the first MAIL or the end, those of base64 decoded.
  std::vector<std::string> exchange(std::size_t dialogue = 0) const {
    std::vector<std::string> lines;
    for (const std::string& command : server_.dialogues.at(dialogue).commands) {
      if (command.starts_with("MAIL") || command == "QUIT") break;
      if (command.starts_with("EHLO") || command == "STARTTLS") continue;
      const auto decoded = base64_decode(command);
      lines.push_back(decoded ? *decoded : command);
    }
    return lines;
  }
  void answers(std::vector<std::string> replies) {
    server_.on_command = [replies = std::move(replies), next = std::size_t(0)](const std::string& command,
                                                                               std::size_t) mutable -> std::optional<std::string> {
      if (command == "STARTTLS") return "220 go ahead\r\n";
      if (command == "*") return "501 5.7.0 cancelled\r\n";
      const bool usual = command.starts_with("EHLO") || command.starts_with("MAIL") || command.starts_with("RCPT") || command == "DATA" ||
                         command == "." || command == "QUIT" || next == replies.size();
      return usual ? std::nullopt : std::optional(replies[next++]);
    };
  }
  void scram(std::shared_ptr<ScramServer> peer) {
    server_.on_command = [peer](const std::string& command, std::size_t) -> std::optional<std::string> {
      if (command == "STARTTLS") return "220 go ahead\r\n";
      if (command.starts_with("AUTH SCRAM-SHA-"))
        return "334 " + base64_encode(peer->first(*base64_decode(command.substr(command.rfind(' ') + 1)))) + "\r\n";
      if (command.empty()) return "235 2.7.0 welcome\r\n";
      const auto decoded = base64_decode(command);
      if (!decoded || !decoded->starts_with("c=")) return std::nullopt;
      const std::string last = peer->last(*decoded);
      return last.empty() ? "535 5.7.8 wrong\r\n" : "334 " + base64_encode(last) + "\r\n";
    };
  }
  std::uint64_t failures() const {
    return metrics::counter("godwit_outbound_login_failures_total", "Logins to smarthosts that were refused or could not be tried").value();
  }

  std::shared_ptr<testing::FakeTls> verifying_ = std::make_shared<testing::FakeTls>();
};

TEST_F(LoginTest, Plain_WithTheCommand) {
  offers("LOGIN PLAIN");
  answers({"235 2.7.0 welcome\r\n"});
  EXPECT_EQ(summary(*send_one()), "delivered 2.0.0");
  EXPECT_THAT(exchange(), ElementsAre("AUTH PLAIN " + base64_encode(std::string("\0tim\0tanstaaf", 13))));
}

TEST_F(LoginTest, Login_WhereNothingElseIsOffered) {
  offers("LOGIN");
  answers({"334 " + base64_encode("Username:") + "\r\n", "334 " + base64_encode("Password:") + "\r\n", "235 2.7.0 welcome\r\n"});
  EXPECT_EQ(summary(*send_one()), "delivered 2.0.0");
  EXPECT_THAT(exchange(), ElementsAre("AUTH LOGIN", "tim", "tanstaaf"));
}

TEST_F(LoginTest, TheStrongestOfWhatIsOffered) {
  for (const auto& [hash, mechanisms] : {std::pair(Hash::sha256, "PLAIN SCRAM-SHA-1 LOGIN SCRAM-SHA-256 CRAM-MD5 SCRAM-SHA-256-PLUS"),
                                         std::pair(Hash::sha1, "PLAIN LOGIN SCRAM-SHA-1 GSSAPI")}) {
    settings_->messages_per_connection = 1;
    offers(mechanisms);
    scram(std::make_shared<ScramServer>(hash, "tanstaaf"));
    EXPECT_EQ(summary(*send_one()), "delivered 2.0.0");
    EXPECT_THAT(exchange(server_.dialogues.size() - 1)[0], StartsWith(hash == Hash::sha256 ? "AUTH SCRAM-SHA-256 " : "AUTH SCRAM-SHA-1 "));
  }
}

TEST_F(LoginTest, Scram_NeedsNoEncryptionToHideThePassword) {
  route("smtp://relay.test:2600", Tls::none);
  offers("SCRAM-SHA-256 PLAIN");
  scram(std::make_shared<ScramServer>(Hash::sha256, "tanstaaf"));
  EXPECT_EQ(summary(*send_one()), "delivered 2.0.0");
  for (const std::string& read : server_.dialogues[0].reads) EXPECT_THAT(read, Not(HasSubstr("tanstaaf")));
}

TEST_F(LoginTest, Scram_ServerThatDoesNotKnowThePassword_IsNotTrusted) {
  offers("SCRAM-SHA-256");
  const auto peer = std::make_shared<ScramServer>(Hash::sha256, "tanstaaf");
  peer->knows_the_password = false;
  scram(peer);
  const auto result = send_one();
  EXPECT_EQ(summary(*result), "deferred 4.7.8 down");
  EXPECT_THAT(result->outcomes[0].text, HasSubstr("is not whom we took it for"));
  EXPECT_THAT(exchange(), Contains("*")) << "RFC 4954 4: taken back";
}

TEST_F(LoginTest, Scram_SuccessWithoutProof_IsNotBelieved) {
  offers("SCRAM-SHA-256");
  answers({"235 2.7.0 come in, whoever you are\r\n"});
  const auto result = send_one();
  EXPECT_EQ(summary(*result), "deferred 4.7.8 down");
  EXPECT_THAT(result->outcomes[0].text, HasSubstr("without proving that it knows the password"));
  EXPECT_TRUE(server_.messages.empty());
}

// It is our configuration that is wrong: no sender hears of it, and nobody knocks at each message.
TEST_F(LoginTest, Refused_MailWaitsAndTheHopRests) {
  offers("PLAIN");
  answers({"535 5.7.8 Authentication credentials invalid\r\n"});
  const auto before = failures();
  const auto result = send_one();
  EXPECT_EQ(summary(*result), "deferred 4.7.8 down");
  EXPECT_EQ(result->outcomes[0].text, "127.0.0.1:2600 refuses the login of tim (PLAIN): mend `user` or the password file of the route");
  EXPECT_EQ(result->outcomes[0].remote_reply, "535 5.7.8 Authentication credentials invalid");
  EXPECT_EQ(failures() - before, 1u);
  EXPECT_EQ(summary(*send_one()), "deferred 4.7.8 down");
  EXPECT_EQ(server_.dialogues.size(), 1u);
}

TEST_F(LoginTest, RefusedForNow_Waits) {
  offers("PLAIN");
  answers({"454 4.7.0 Temporary authentication failure\r\n"});
  EXPECT_EQ(summary(*send_one()), "deferred 4.7.0 down");
}

TEST_F(LoginTest, PasswordMended_IsInForceWithTheNextConnection) {
  offers("SCRAM-SHA-256");
  scram(std::make_shared<ScramServer>(Hash::sha256, "new password"));
  EXPECT_EQ(summary(*send_one()), "deferred 4.7.8 down");
  settings_ = std::make_shared<Settings>(*settings_);
  settings_->passwords[std::string(kFile)] = "new password";
  loop_.advance(2min);
  EXPECT_EQ(summary(*send_one()), "delivered 2.0.0");
}

// The old site stays in memory and knows the old file alone.
TEST_F(LoginTest, PasswordFileMoved_IsInForceAfterAReload) {
  BlockingPool pool(0);
  testing::MemoryEngine engine;
  directory::Directory directory(engine, pool, loop_.clock(), random_);
  const auto reload = [&](const std::string& file, const std::string& password) {
    routing::Route route{"example.net", {"smtp://127.0.0.1:2600"}};
    route.user = "tim";
    route.password_file = file;
    const auto router = *routing::Router::create({route}, directory);
    const auto to = loop_.run(router->route(*smtp::parse_address("bob@example.net"), routing::Envelope()));
    site_ = std::get<routing::ToSite>(*to).site;
    settings_ = std::make_shared<Settings>(*settings_);
    settings_->passwords = {{file, password}};
    settings_->messages_per_connection = 1;
  };
  offers("PLAIN");
  answers({"235 2.7.0 welcome\r\n", "235 2.7.0 welcome\r\n"});
  reload("/etc/godwit/old", "old");
  EXPECT_EQ(summary(*send_one()), "delivered 2.0.0");
  reload("/etc/godwit/new", "new");
  EXPECT_EQ(summary(*send_one()), "delivered 2.0.0");
  EXPECT_THAT(exchange(1), ElementsAre("AUTH PLAIN " + base64_encode(std::string("\0tim\0new", 8))));
}

TEST_F(LoginTest, MechanismThatIsUnknownAfterAll_TheNextIsTried) {
  offers("SCRAM-SHA-256 PLAIN");
  answers({"504 5.5.4 Unrecognized authentication type\r\n", "235 2.7.0 welcome\r\n"});
  EXPECT_EQ(summary(*send_one()), "delivered 2.0.0");
  ASSERT_EQ(exchange().size(), 2u);
  EXPECT_THAT(exchange()[1], StartsWith("AUTH PLAIN "));
}

TEST_F(LoginTest, RefusedPassword_IsNotTriedByAWeakerMechanism) {
  offers("SCRAM-SHA-256 PLAIN");
  scram(std::make_shared<ScramServer>(Hash::sha256, "other"));
  EXPECT_EQ(summary(*send_one()), "deferred 4.7.8 down");
  EXPECT_EQ(exchange().size(), 2u);
}

TEST_F(LoginTest, PasswordInPlainText_NeverOverANetwork) {
  for (const Tls level : {Tls::none, Tls::opportunistic}) {
    settings_->probe = {1s};
    loop_.advance(1min);
    route("smtp://relay.test:2600", level);
    offers("PLAIN LOGIN");
    answers({});
    const auto result = send_one();
    EXPECT_EQ(summary(*result), "deferred 4.7.11 down");
    EXPECT_THAT(result->outcomes[0].text, HasSubstr("would have the password of tim in plain text: write tls = \"verify\" for the route"));
    for (const auto& dialogue : server_.dialogues)
      for (const std::string& command : dialogue.commands) EXPECT_THAT(command, Not(StartsWith("AUTH")));
  }
}

TEST_F(LoginTest, OverANetwork_TheServerIsVerifiedFirst) {
  route("smtp://relay.test:2600");
  offers("PLAIN", true);
  answers({"235 2.7.0 welcome\r\n"});
  EXPECT_EQ(summary(*send_one()), "delivered 2.0.0");
  EXPECT_THAT(verifying_->server_names, ElementsAre("relay.test"));
  EXPECT_THAT(exchange(), ElementsAre(StartsWith("AUTH PLAIN ")));
}

// RFC 3207 6: somebody on the way who takes STARTTLS out of the answer gets no password.
TEST_F(LoginTest, OverANetwork_WithoutStarttls_NoPassword) {
  route("smtp://relay.test:2600");
  offers("PLAIN SCRAM-SHA-256");
  answers({});
  EXPECT_EQ(summary(*send_one()), "deferred 4.7.4 down");
  EXPECT_TRUE(exchange().empty());
}

TEST_F(LoginTest, MechanismsOfBeforeTheHandshake_DoNotCount) {
  route("smtp://127.0.0.1:2600", Tls::encrypt);
  offers("PLAIN", true);
  server_.on_command = [this](const std::string& command, std::size_t) -> std::optional<std::string> {
    if (command != "STARTTLS") return std::nullopt;
    server_.extensions = {"PIPELINING"};
    return "220 go ahead\r\n";
  };
  const auto result = send_one();
  EXPECT_EQ(summary(*result), "deferred 4.7.0 down");
  EXPECT_EQ(result->outcomes[0].text, "127.0.0.1:2600 offers no login, and the route has a user");
}

TEST_F(LoginTest, NothingWeKnowIsOffered_Waits) {
  offers("GSSAPI NTLM");
  answers({});
  const auto result = send_one();
  EXPECT_EQ(summary(*result), "deferred 4.7.0 down");
  EXPECT_THAT(result->outcomes[0].text, HasSubstr("it has GSSAPI, NTLM, we have SCRAM-SHA-256, SCRAM-SHA-1, PLAIN, LOGIN"));
}

TEST_F(LoginTest, PasswordThatCouldNotBeRead_Waits) {
  settings_->passwords.clear();
  offers("PLAIN");
  const auto result = send_one();
  EXPECT_EQ(summary(*result), "deferred 4.7.0 down");
  EXPECT_THAT(result->outcomes[0].text, HasSubstr("the password in /etc/godwit/relay.password could not be read"));
}

// RFC 4954 4: the command with its initial response has 512 octets at most.
TEST_F(LoginTest, LongPassword_FollowsTheCommand) {
  const std::string password(600, 'p');
  settings_->passwords[std::string(kFile)] = password;
  offers("PLAIN");
  answers({"334 \r\n", "235 2.7.0 welcome\r\n"});
  EXPECT_EQ(summary(*send_one()), "delivered 2.0.0");
  EXPECT_THAT(exchange(), ElementsAre("AUTH PLAIN", std::string("\0tim\0", 5) + password));
}

TEST_F(LoginTest, ChallengesThatMakeNoSense_AreTakenBack) {
  for (const std::string nonsense : {"334 !!!\r\n", "334 YWJj\r\n"}) {
    SCOPED_TRACE(nonsense);
    settings_->probe = {1s};
    loop_.advance(1min);
    offers("PLAIN");
    answers({nonsense});
    EXPECT_EQ(summary(*send_one()), "deferred 4.7.8 down");
    EXPECT_THAT(exchange(server_.dialogues.size() - 1), Contains("*"));
  }
}

TEST_F(LoginTest, LostDuringTheLogin_IsALostConnection) {
  offers("PLAIN");
  answers({"!close"});
  const auto before = failures();
  EXPECT_EQ(summary(*send_one()), "deferred 4.4.2 down");
  EXPECT_EQ(failures(), before) << "nobody refused us";
}

TEST_F(LoginTest, OncePerConnection) {
  settings_->connections_per_site = 1;
  offers("PLAIN");
  answers({"235 2.7.0 welcome\r\n"});
  EXPECT_EQ(summary(*send_one()), "delivered 2.0.0");
  EXPECT_EQ(summary(*send_one()), "delivered 2.0.0");
  EXPECT_EQ(server_.dialogues.size(), 1u);
  EXPECT_EQ(exchange().size(), 1u);
}

}  // namespace
}  // namespace godwit::outbound
