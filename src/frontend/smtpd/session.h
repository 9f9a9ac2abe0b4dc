#pragma once
// One SMTP session: the loop, the state, and a method a command (each in its own cmd_<verb>.cc). Internal to the module.
//
// Owned by the coroutine of serve(), one loop. Commands return their reply; the loop counts, logs and writes it. Replies to
// pipelined commands go out together (RFC 2920 3.2): when no complete line is left to read, before a body, before TLS.

#include <optional>

#include "edge/net/line_reader.h"
#include "frontend/smtpd/smtpd.h"
#include "grammar/sasl/mechanism.h"
#include "grammar/smtp/command.h"
#include "grammar/smtp/data_reader.h"

namespace godwit::smtpd {

class Session {
 public:
  Session(std::unique_ptr<net::Stream> stream, Role role, Context& context);

  Task<> run();
  // The server is stopping, or its patience is over (context.tasks.cutting()); called on the session's loop.
  void stop();

 private:
  using Reply = smtp::Reply;
  using Line = Result<std::string_view>;

  // session.cc
  Task<> converse();
  Task<> guarded_converse();
  Task<bool> begin_tls();
  Task<Line> next_line();
  Duration line_timeout() const;
  Task<Reply> execute(std::string_view line);
  Reply explain_line(const Error& error);
  void answer(Reply reply, std::string_view command);
  bool must_end() const { return stopping_ && (cut_ || !transaction_); }
  Task<bool> flush();
  void close();

  // session_state.cc
  void reset_transaction() { transaction_.reset(); }
  void forget_everything();
  bool auth_possible() const { return role_ != Role::mx && stream_->tls() != nullptr; }
  bool tls_offered() const;
  std::optional<Reply> may_begin_mail() const;
  Reply follow(smtp::Verb verb, Reply reply);
  void count_recipient(Reply& reply);
  intake::Source source() const;

  // One command, one file.
  Task<Reply> cmd_ehlo(std::string_view arguments);
  Task<Reply> cmd_helo(std::string_view arguments);
  Task<Reply> cmd_mail(std::string_view arguments);
  Task<Reply> cmd_rcpt(std::string_view arguments);
  Task<Reply> cmd_data(std::string_view arguments);
  Task<Reply> cmd_rset(std::string_view arguments);
  Task<Reply> cmd_noop(std::string_view arguments);
  Task<Reply> cmd_quit(std::string_view arguments);
  Task<Reply> cmd_vrfy(std::string_view arguments);
  Task<Reply> cmd_expn(std::string_view arguments);
  Task<Reply> cmd_help(std::string_view arguments);
  Task<Reply> cmd_starttls(std::string_view arguments);
  Task<Reply> cmd_auth(std::string_view arguments);
  static Task<Reply> refuse(Reply reply);

  // cmd_rcpt.cc
  // cmd_data.cc
  Task<Result<void>> read_body(smtp::DataReader& body);
  Task<> take_chunk(smtp::DataReader& body, std::string_view chunk);
  Reply explain_loss(const Error& error);
  // cmd_auth.cc
  std::optional<Reply> may_authenticate() const;
  Task<std::expected<std::string, Reply>> ask(std::string challenge);
  Task<std::expected<sasl::Credentials, Reply>> exchange(smtp::Auth auth);
  Task<Reply> check_credentials(sasl::Credentials credentials, std::string mechanism);

  Context& context_;
  std::shared_ptr<const Settings> settings_;
  std::unique_ptr<net::Stream> stream_;   // null during a handshake, and after one that failed
  net::Stream* shaking_hands_ = nullptr;  // the plain stream that the handshake owns
  const Endpoint remote_;
  net::LineReader reader_;
  std::string out_;  // replies that wait for the flush
  std::string id_;
  const Role role_;

  // RFC 5321 4.1.4: what was said so far
  bool hello_ = false;
  bool esmtp_ = false;
  std::string helo_;
  std::optional<directory::Account> account_;
  std::unique_ptr<intake::Transaction> transaction_;
  bool smtputf8_ = false;  // of the transaction (RFC 6531)
  bool refused_ = false;   // MAIL or a RCPT of what the client takes for the transaction
  bool excused_ = false;   // the reply under way follows from such a refusal

  bool exempt_ = false;     // loopback, relay_from, allow: no limit per address, no delay
  bool may_relay_ = false;  // relay_from, on the mx role
  bool closing_ = false;    // after the replies that are waiting
  bool upgrade_ = false;    // STARTTLS was answered: the handshake comes next
  bool idle_ = false;       // waiting for a command
  bool stopping_ = false;
  bool cut_ = false;  // also within a transaction
  unsigned commands_ = 0;
  unsigned errors_ = 0;
  unsigned auth_failures_ = 0;
  bool recipient_accepted_ = false;
  std::uint64_t recipients_refused_ = 0;
  std::uint64_t messages_ = 0;
};

// The text of the answer to EHLO, lines separated by \n (RFC 5321 4.1.1.1). capabilities.cc
struct Capabilities {
  std::string_view hostname;
  std::uint64_t max_message_size = 0;
  bool starttls = false;
  bool auth = false;
};
std::string ehlo_text(const Capabilities& capabilities, const IpAddress& client);

}  // namespace godwit::smtpd
