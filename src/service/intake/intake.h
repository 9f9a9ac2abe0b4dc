#pragma once
// THE ONE WAY IN: every door (SMTP, submission, the sendmail command, a bounce) hands its message to intake, and nothing else
// adds to the queue. Rights, recipient checks, size, loops, trace headers and the trace are decided here, once.
//
// A front end opens a Transaction after MAIL, adds recipients, streams the body, and commits; every refusal is a Reply that can
// go on the wire as it is. One loop; a Transaction belongs to its session and may be dropped at any moment before commit().

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ip.h"
#include "edge/net/stream.h"
#include "grammar/smtp/reply.h"
#include "service/intake/priority_class.h"
#include "service/routing/router.h"
#include "state/directory/directory.h"
#include "state/mailbox/folder.h"
#include "state/queue/message.h"
#include "state/queue/queue.h"
#include "state/trace/trace.h"

namespace godwit::mailbox {
class Mailboxes;
}
namespace godwit::events {
class Stream;
}

namespace godwit::intake {

class Bursts;

// Who hands a message in.
struct Source {
  enum class Door : std::uint8_t { mx, submission, local };  // local: bounces, reports, sendmail
  Door door = Door::mx;
  std::optional<directory::Account> account;  // authenticated as
  bool may_relay = false;                     // from relay_from (mx door) or authenticated
  std::string session;                        // for log and trace
  std::string helo;                           // as given; at the local door: which part of us it was
  std::optional<unsigned> uid;                // at the local door: the user of this machine who called us
  bool esmtp = true;
  Endpoint remote;
  Endpoint local;
  const net::TlsInfo* tls = nullptr;  // outlives the transaction
};

struct Settings {
  std::string hostname;
  std::uint64_t max_message_size = 50ULL << 20;
  std::size_t max_recipients = 1'000;                // authenticated
  std::size_t max_recipients_anyone = 100;           // not authenticated
  std::size_t max_received = 100;                    // RFC 5321 6.3: more Received fields than this mean a loop; normally at least 100
  std::size_t max_expanded = queue::kMaxRecipients;  // recipients of a message behind its aliases; not above the queue's own limit
  std::vector<PriorityClass> priorities;             // the first that matches counts
  mailbox::Quota quota;                              // of a local account; asked at RCPT, with the size that MAIL declares
};

struct MailParameters {
  smtp::ReversePath reverse_path;
  std::optional<std::uint64_t> size;  // RFC 1870
  bool body_8bit = false;
  bool smtputf8 = false;
  std::string envid;  // RFC 3461 4.4, as received (xtext)
  queue::Message::Return ret = queue::Message::Return::unset;
};

class Transaction {
 public:
  virtual ~Transaction() = default;
  // RCPT: 250, or why not (550 5.1.1, 550 5.7.1 relaying denied, 550 5.4.4, 452 4.2.2 mailbox full, 452 4.5.3 too many, 550 5.4.6 or
  // 5.2.4 for an alias that cannot be expanded, 451).
  virtual Task<smtp::Reply> add_recipient(smtp::Address recipient, queue::Notify notify, std::string orcpt) = 0;
  virtual std::size_t recipients() const = 0;
  // DATA may begin (at least one recipient), or why not.
  virtual smtp::Reply begin_body() = 0;
  // Body bytes, dots undone. After the first error the rest may still be fed and is dropped; commit() answers it.
  virtual Task<> append(std::string_view chunk) = 0;
  virtual bool failed() const = 0;  // nothing more is kept; commit() has the reply
  // "250 2.0.0 <id> kept" only when bytes and rows are on stable storage; else why not, and nothing is kept.
  virtual Task<smtp::Reply> commit() = 0;
};

class Intake {
 public:
  virtual ~Intake() = default;
  // MAIL: a transaction, or the reply that refuses it (sender rights 553 5.7.1, size 552 5.3.4, full 452 4.3.1).
  virtual Task<std::expected<std::unique_ptr<Transaction>, smtp::Reply>> begin(const Source& source, MailParameters parameters) = 0;
};

// Told of each message that was accepted, on the loop that owns its shard: the scheduler.
using OnAccepted = std::function<void(queue::Message)>;

struct Context {
  directory::Directory& directory;
  queue::Queue& queue;
  store::Blobs& blobs;
  trace::Trace& trace;
  Clock& clock;
  Random& random;
  std::function<std::shared_ptr<const routing::Router>()> router;  // the current one
  std::function<std::size_t()> loop;                               // index of the calling loop
  std::function<std::shared_ptr<const Settings>()> settings;       // the current ones
  OnAccepted on_accepted;
  mailbox::Mailboxes* mailboxes = nullptr;  // null: nobody has a quota
  events::Stream* events = nullptr;         // null: switched off
  Bursts* bursts = nullptr;                 // null: no account is held for sending far more than it does
};

std::unique_ptr<Intake> make_intake(Context context);

}  // namespace godwit::intake
