#pragma once
// One message in a dialogue, without any input or output: which commands go out, what each reply means, and what became of each
// recipient. RFC 5321 3.3, 4.1.1; order and counting of replies RFC 2920 3.1. One loop.

#include <cstdint>
#include <string>
#include <vector>

#include "grammar/smtp/extension.h"
#include "grammar/smtp/reply.h"
#include "service/outbound/limits.h"
#include "service/outbound/message_body.h"
#include "service/outbound/outbound.h"
#include "service/outbound/outcomes.h"
#include "service/outbound/source.h"
#include "service/outbound/warmup.h"

namespace godwit::outbound {

// A job on its way: what is decided, and which recipients are not yet. A job may take several transactions (a server that takes
// 100 recipients at a time) or begin anew on another connection.
struct Work {
  explicit Work(Job j);
  void decide(std::size_t position, queue::Outcome outcome) { outcomes[position] = std::move(outcome); }
  void decide_open(const queue::Outcome& outcome);  // all that are open; none is afterwards

  Job job;
  std::vector<queue::Outcome> outcomes;        // as job.recipients
  std::vector<std::size_t> open;               // positions in job.recipients
  unsigned unheard = 0;                        // new dialogues that ended without a word about this message, their first
  std::shared_ptr<const Source> source;        // from which it goes; null: the system's choice
  std::shared_ptr<WarmupLedger::Place> place;  // under the ceiling of a source that warms up
  std::optional<bool> over_v6;                 // the last connection that took it
  bool family_changed = false;                 // it was refused over the other family
};

// How the message goes to this server.
struct MailOptions {
  bool size = false;
  bool eight_bit = false;
  bool smtputf8 = false;
  bool dsn = false;
  std::string tls;  // "TLSv1.3"; empty: in plain text
};

class Transaction {
 public:
  Transaction(Work work, MailOptions options, MessageBody body, std::string remote);

  // MAIL, RCPT for each, DATA; what is no longer worth sending is left out.
  bool commands_left() const;
  void append_commands(std::string& out, std::size_t most);
  std::size_t outstanding() const { return sent_ - answered_; }
  bool heard() const { return answered_ > 0; }
  Duration reply_timeout() const;        // for the next reply
  std::string_view waiting_for() const;  // "the answer to RCPT", for people

  // Whether it can be an answer to the next of the outstanding commands at all; if not, the dialogue is out of step.
  bool fits(const smtp::Reply& reply) const;
  void on_reply(const smtp::Reply& reply);
  bool data_accepted() const { return data_accepted_; }      // 354: bytes and a dot must follow
  std::size_t accepted() const { return accepted_.size(); }  // recipients that wait for the final reply
  void on_final(const smtp::Reply& reply);
  // LMTP: the reply about the next of the accepted recipients; true: it was the last.
  bool on_final_of_one(const smtp::Reply& reply);
  // The dialogue or the message cannot go on: all that is not decided.
  void fail_rest(const queue::Outcome& outcome);
  // The server is in the middle of this transaction: RSET before the next.
  bool needs_reset() const { return mail_accepted_ && !data_done_; }

  // A new dialogue ended without a word about the message, its first; true if that is once too often for it to be chance.
  bool unheard_again() { return ++work_.unheard >= kUnheardTooOften; }
  // The end: the work, whose open recipients are to be tried again at once: those that were too many for the server, which took the
  // others; or all, if nothing was heard and nothing decided.
  Work take_work();

  MessageBody& body() { return body_; }
  std::string& first_piece() { return first_piece_; }
  const std::string& remote() const { return remote_; }

 private:
  std::size_t commands() const { return work_.open.size() + 2; }
  void append_mail(std::string& out) const;
  void append_rcpt(std::string& out, const queue::Recipient& recipient) const;
  void on_rcpt(std::size_t position, const smtp::Reply& reply);
  queue::Outcome finally(const smtp::Reply& reply) const;  // to the message
  const queue::Recipient& recipient(std::size_t position) const;

  Work work_;
  MailOptions options_;
  MessageBody body_;
  std::string first_piece_;
  std::string remote_;
  std::size_t sent_ = 0;  // commands, counted from MAIL
  std::size_t answered_ = 0;
  std::vector<std::size_t> accepted_;  // positions
  std::size_t finals_ = 0;             // LMTP: so many of them have had their final reply
  std::vector<std::size_t> again_;
  bool mail_accepted_ = false;
  bool mail_refused_ = false;
  bool data_accepted_ = false;
  bool data_done_ = false;
  bool any_delivered_ = false;
  bool failed_ = false;
};

}  // namespace godwit::outbound
