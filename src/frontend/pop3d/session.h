#pragma once
// One POP3 session: the loop, the state, and a method a command (each in its own cmd_<verb>.cc). Internal to the module.
//
// Owned by the coroutine of serve(), one loop. Commands append their replies to `out_`; replies to pipelined commands go out
// together (RFC 2449 6.6): when no complete line is left to read, or when 64 KiB have gathered.

#include <array>
#include <optional>
#include <vector>

#include "edge/net/line_reader.h"
#include "edge/net/password_rule.h"
#include "frontend/pop3d/pop3d.h"
#include "grammar/pop3/command.h"
#include "grammar/sasl/mechanism.h"

namespace godwit::pop3d {

// A message of the snapshot. Its number is its place, from 1 (RFC 1939 4).
struct Listed {
  mailbox::Uid uid = 0;
  bool deleted = false;
  bool retrieved = false;  // whole, by RETR
  bool received = false;   // and the client has said something after it
  mailbox::EmailId email = 0;
  std::uint64_t size = 0;
};

class Session {
 public:
  Session(std::unique_ptr<net::Stream> stream, bool implicit_tls, std::string id, Context& context);

  Task<> run();
  // The server is stopping, or its patience is over (context.tasks.cutting()); called on the session's loop.
  void stop();

 private:
  enum class State : std::uint8_t { authorization, transaction };  // UPDATE is cmd_quit (RFC 1939 6)
  using Line = Result<std::string_view>;
  using Handler = Task<> (Session::*)(pop3::Command);
  struct Entry {
    Handler handler;
    bool in_authorization;
    bool in_transaction;
  };
  static const Entry& entry_of(pop3::Verb verb);

  // session.cc
  Task<> guarded_converse();
  Task<> turn_away(net::ConnectionLimits::Refusal why);
  Task<> converse();
  Task<bool> handshake();
  Task<Line> next_line();
  SteadyTime line_deadline() const;
  Task<> execute(std::string_view line);
  void explain_line(const Error& error);
  void protocol_error(std::string_view text);
  void ok(std::string_view text);
  void err(std::string_view text);
  Task<> flush();
  Task<> flush_if_large();
  void close();

  // One command, one file.
  Task<> cmd_user(pop3::Command command);
  Task<> cmd_pass(pop3::Command command);
  Task<> cmd_auth(pop3::Command command);
  Task<> cmd_stls(pop3::Command command);
  Task<> cmd_capa(pop3::Command command);
  Task<> cmd_utf8(pop3::Command command);
  Task<> cmd_lang(pop3::Command command);
  Task<> cmd_stat(pop3::Command command);
  Task<> cmd_list(pop3::Command command);
  Task<> cmd_retr(pop3::Command command);
  Task<> cmd_top(pop3::Command command);
  Task<> cmd_dele(pop3::Command command);
  Task<> cmd_uidl(pop3::Command command);
  Task<> cmd_rset(pop3::Command command);
  Task<> cmd_noop(pop3::Command command);
  Task<> cmd_quit(pop3::Command command);

  // login.cc
  bool may_log_in() const { return net::may_say_password(*stream_, settings_->plaintext_from); }
  Task<> log_in(std::string name, std::string password);
  Task<> open_maildrop(directory::Account account);
  Task<> wrong_password(std::string name);
  // cmd_auth.cc
  Task<std::optional<sasl::Credentials>> exchange(pop3::Command command);
  Task<std::optional<std::string>> ask(std::string challenge);
  // capabilities.cc
  bool tls_offered() const { return !stream_->tls() && context_.tls() != nullptr; }
  // maildrop.cc
  Listed* find_message(std::uint32_t number);     // null: the -ERR is said
  std::vector<mailbox::UidRange> doomed() const;  // cmd_quit.cc
  std::string unique_id(const Listed& message) const;
  struct Totals {
    std::size_t messages = 0;
    std::uint64_t octets = 0;
  };
  Totals totals() const;
  // retrieve.cc
  Task<> send_message(Listed& message, std::optional<std::uint32_t> top_lines);
  Task<Result<std::string>> read_piece(const mailbox::Email& email, std::uint64_t offset);
  Task<> explain_missing(const Listed& message);
  void explain_read(const Error& error, const Listed& message);

  Context& context_;
  std::shared_ptr<const Settings> settings_;
  std::unique_ptr<net::Stream> stream_;   // null during a handshake, and after one that failed
  net::Stream* shaking_hands_ = nullptr;  // the plain stream that the handshake owns
  const Endpoint remote_;
  net::LineReader reader_;
  std::string out_;  // replies that wait for the flush
  const std::string id_;
  const SteadyTime begun_;

  State state_ = State::authorization;
  std::string user_;  // of USER, until PASS
  std::optional<directory::Account> account_;
  std::uint32_t uid_validity_ = 0;
  std::vector<Listed> messages_;

  const bool implicit_tls_;
  bool closing_ = false;  // after the replies that are waiting
  bool broken_ = false;   // nothing can be said any more
  bool upgrade_ = false;  // STLS was answered: the handshake comes next
  bool idle_ = false;     // waiting for a line
  bool stopping_ = false;
  unsigned errors_ = 0;
  unsigned wrong_passwords_ = 0;
  std::uint64_t retrieved_ = 0;
  std::vector<Listed*> on_the_way_;  // retrieved, not yet received
  bool expunged_ = false;  // what that leaves for later is done when the client has its answer
  std::uint64_t removed_ = 0;
};

// What AUTH may name, inside TLS or from `plaintext_from` (RFC 5034).
inline constexpr std::string_view kMechanisms[] = {"PLAIN", "LOGIN"};

// The lines of the answer to CAPA, each with CRLF. capabilities.cc
struct Capabilities {
  bool login = false;  // USER and SASL
  bool stls = false;
  bool removes_retrieved = false;
  Duration login_delay{};
};
std::string capability_lines(const Capabilities& capabilities);

}  // namespace godwit::pop3d
