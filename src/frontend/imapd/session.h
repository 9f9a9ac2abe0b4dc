#pragma once
// One IMAP session: the loop, the state, and a method a command (each in its own cmd_<verb>.cc). Internal to the module.
//
// Owned by the coroutine of serve(), one loop. Commands append their untagged responses to `out_` and return how they end; commands run one
// after the other in the order in which they came (RFC 9051 5.5 allows that always), and what pipelined commands say goes out together.

#include <optional>
#include <string>
#include <vector>

#include "edge/net/line_reader.h"
#include "edge/net/password_rule.h"
#include "frontend/imapd/decoding_place.h"
#include "frontend/imapd/fetch.h"
#include "frontend/imapd/imapd.h"
#include "frontend/imapd/output.h"
#include "frontend/imapd/reply.h"
#include "frontend/imapd/search.h"
#include "frontend/imapd/selected.h"
#include "grammar/imap/command.h"
#include "grammar/imap/command_reader.h"
#include "grammar/sasl/mechanism.h"

namespace godwit::imapd {

class Session {
 public:
  Session(std::unique_ptr<net::Stream> stream, bool implicit_tls, std::string id, Context& context);

  Task<> run();
  // The server is stopping, or its patience is over (context.tasks.cutting()); called on the session's loop.
  void stop();

 private:
  enum class State : std::uint8_t { not_authenticated, authenticated };  // and selected, when `selected_` is
  using Line = Result<std::string_view>;

  // A message of an APPEND whose bytes are in the store already; its writer keeps them there.
  struct Upload {
    std::unique_ptr<store::BlobWriter> writer;
    store::BlobId blob;
    std::uint64_t size = 0;
    std::vector<std::string> threads;
    std::string details;
    bool has_nul = false;
    bool appended = false;  // a row names it
  };

  // session.cc
  Task<> guarded_converse();
  Task<> turn_away(net::ConnectionLimits::Refusal why);
  Task<> converse();
  Task<bool> handshake();
  void begin_compression();
  void greet();
  Task<> execute();
  void protocol_error(Reply reply, std::string_view tag);
  void answer(std::string_view tag, const Reply& reply);
  void say_bye(std::string_view text, std::string_view code = "");
  void use_stream();
  void close();

  // session_reading.cc: from bytes to a command's text in `commands_`
  enum class Got : std::uint8_t { command, nothing, end };
  Task<Got> read_command();
  Task<Line> next_line();
  Duration literal_patience() const;
  SteadyTime line_deadline() const;
  void explain_line(const Error& error);
  Task<Got> take_step(imap::CommandReader::Step step);
  Task<bool> read_literal(std::uint64_t size);
  Task<bool> skip_literal(std::uint64_t size);
  Task<bool> ask_for_literal();
  void set_reader_limits();

  // session_upload.cc: the messages of an APPEND, from the client to the store
  Task<Got> read_message(imap::CommandReader::Step step);
  void let_go_of_uploads();
  Task<Result<void>> receive_message(Upload& upload, std::uint64_t size);
  Task<std::optional<Error>> may_upload(std::uint64_t size);
  std::optional<Reply> refuse_upload(const imap::Append& command) const;  // cmd_append.cc

  // session_dispatch.cc
  Task<Reply> dispatch(imap::Command command);
  std::optional<Reply> refuse_now(const imap::Request& request) const;

  // session_news.cc: what others have done
  enum class Expunges : std::uint8_t { tell, keep };  // RFC 9051 7.5.1: not in answer to FETCH, STORE, SEARCH by number
  Task<> tell_news(Expunges expunges);
  Task<bool> is_up_to_date();
  Task<Result<void>> gather_news(std::vector<mailbox::MessageInfo>& changed);
  void claim(mailbox::Uid first);
  void take_gone(std::vector<mailbox::Uid> uids);
  void tell_expunged();
  void tell_known();
  Task<> tell_changed(const std::vector<mailbox::MessageInfo>& changed);
  Task<> refresh_keywords();
  Task<std::shared_ptr<const mailbox::Keywords>> fresh_keywords();
  void tell_flags();
  // RFC 7162 3.2.4, RFC 9051 7.5.2
  bool tells_uids() const { return condstore_ || dialect_.rev2; }
  void append_changed_fetch(const mailbox::MessageInfo& info);
  void on_change();

  // One command, one file.
  Task<Reply> cmd(imap::Capability command);
  Task<Reply> cmd(imap::Noop command);
  Task<Reply> cmd(imap::Logout command);
  Task<Reply> cmd(imap::StartTls command);
  Task<Reply> cmd(imap::Authenticate command);
  Task<Reply> cmd(imap::Login command);
  Task<Reply> cmd(imap::Enable command);
  Task<Reply> cmd(imap::Id command);
  Task<Reply> cmd(imap::Select command);
  Task<Reply> cmd(imap::Create command);
  Task<Reply> cmd(imap::Delete command);
  Task<Reply> cmd(imap::Rename command);
  Task<Reply> cmd(imap::Subscribe command);
  Task<Reply> cmd(imap::List command);
  Task<Reply> cmd(imap::Namespace command);
  Task<Reply> cmd(imap::Status command);
  Task<Reply> cmd(imap::Append command);
  Task<Reply> cmd(imap::Idle command);
  Task<Reply> cmd(imap::Check command);
  Task<Reply> cmd(imap::Close command);
  Task<Reply> cmd(imap::Unselect command);
  Task<Reply> cmd(imap::Expunge command);
  Task<Reply> cmd(imap::Copy command);
  Task<Reply> cmd(imap::Fetch command);
  Task<Reply> cmd(imap::Store command);
  Task<Reply> cmd(imap::Search command);
  Task<Reply> cmd(imap::Sort command);
  Task<Reply> cmd(imap::Thread command);
  Task<Reply> cmd(imap::GetQuota command);
  Task<Reply> cmd(imap::GetQuotaRoot command);
  Task<Reply> cmd(imap::SetQuota command);
  Task<Reply> cmd(imap::Compress command);

  // login.cc
  bool may_log_in() const { return net::may_say_password(*stream_, settings_->plaintext_from); }
  Task<Reply> log_in(std::string name, std::string password);
  Task<Reply> wrong_password(std::string name);
  Task<std::optional<std::string>> ask(std::string challenge, Reply& failure);  // cmd_authenticate.cc
  // capabilities
  bool tls_offered() const { return !stream_->tls() && context_.tls() != nullptr; }
  bool has(std::string_view capability) const;
  std::string capability_list() const;
  // cmd_select.cc
  Task<Reply> open_mailbox(imap::Select command, mailbox::Mailbox found);
  Task<> tell_vanished(imap::Qresync known, bool with_changes);
  void unselect();
  void enable_condstore();
  // cmd_status.cc
  void append_status(std::string& out, const mailbox::Mailbox& found, const std::vector<imap::StatusItem>& items, mailbox::Uid recent);
  Task<Result<mailbox::Uid>> recent_of(mailbox::MailboxNumber number, std::vector<imap::StatusItem> items);
  Task<Result<void>> idle();  // cmd_idle.cc
  bool has_quota() const { return settings_->quota.bytes != 0 || settings_->quota.emails != 0; }
  Task<Result<void>> tell_quota();  // cmd_quota.cc
  // cmd_store.cc
  void remember_told(const mailbox::FlagsChanged& done, bool with_flags);
  Task<> tell_stored(std::vector<mailbox::MessageInfo> messages, const imap::Store& command);
  std::string modified_code(const std::vector<mailbox::Uid>& refused, bool uid) const;
  // cmd_fetch.cc, cmd_search.cc
  Task<Result<std::vector<mailbox::Uid>>> mark_seen(std::vector<Numbered> wanted, std::optional<mailbox::Modseq> changed_since);
  Task<> tell_vanished_since(imap::SequenceSet set, mailbox::Modseq since);
  std::vector<Numbered> numbered(const std::vector<mailbox::UidRange>& uids) const;
  Fetching fetching();
  Searching searching();

  directory::AccountId account() const { return account_->id; }
  mailbox::Mailboxes& mailboxes() { return context_.mailboxes; }

  Context& context_;
  std::shared_ptr<const Settings> settings_;
  std::unique_ptr<net::Stream> stream_;   // null during a handshake, and after one that failed
  net::Stream* shaking_hands_ = nullptr;  // the plain stream that the handshake owns
  const Endpoint remote_;
  net::LineReader reader_;
  imap::CommandReader commands_;
  imap::Dialect dialect_;
  Output out_;
  const std::string id_;
  const SteadyTime begun_;

  State state_ = State::not_authenticated;
  std::optional<directory::Account> account_;
  std::vector<std::string> without_;  // capabilities that are switched off: for all, and from the login on for this account
  std::unique_ptr<mailbox::ChangeFeed::Watch> watch_;  // from the login on
  std::optional<Selected> selected_;
  bool condstore_ = false;  // RFC 7162 3.1: MODSEQ goes with every FETCH from now on
  bool qresync_ = false;
  DecodingPlace decoding_;       // of the last FETCH
  std::string tag_;              // of the command that runs
  std::vector<Upload> uploads_;  // of the APPEND that is being read
  std::optional<mailbox::MailboxNumber> append_to_;

  const bool implicit_tls_;
  bool closing_ = false;   // after what is waiting to go out
  bool upgrade_ = false;   // STARTTLS was answered: the handshake comes next
  bool expunged_ = false;  // what that leaves for later is done when the client has its answer
  bool compress_ = false;  // COMPRESS was answered: the next byte is compressed
  bool compressed_ = false;
  bool waiting_ = false;  // for the client, between commands or in IDLE
  bool idling_ = false;
  bool news_ = false;  // in IDLE: something has changed
  bool stopping_ = false;
  bool silent_ = false;  // nothing more may be said
  unsigned errors_ = 0;
  unsigned wrong_passwords_ = 0;
  std::uint64_t commands_run_ = 0;
};

}  // namespace godwit::imapd
