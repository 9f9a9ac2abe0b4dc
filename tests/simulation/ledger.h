#pragma once
// The outside ledger: what was handed in and got its 250, what the servers of the world took, what was reported to whom. It believes
// the servers and the clients, never the queue, and says at once when a promise is broken:
//
// - nothing lost: who was accepted is delivered, or returned to the sender, or still in the queue;
// - twice only after a 250 that was not heard, or when the power went before the outcome was on the disk (docs/architecture.md);
// - one report of a failure and one of a delay for a recipient; none of a recipient who was delivered;
// - no attempt before its time, and not more of them than the schedule has.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "journal.h"
#include "peer.h"
#include "state/queue/message.h"

namespace godwit::simulation {

// How long after an outcome a power cut may take it back: what came while other sites were out is recorded every 5 s, lazily, and
// lazy writes are synced within 100 ms.
inline constexpr Duration kMayBeForgotten = std::chrono::milliseconds(5'300);

struct Fate {
  struct Took {
    SteadyTime at{};
    std::optional<SteadyTime> heard = {};  // when its 250 had gone out whole
  };
  bool local = false;
  bool notify_never = false;
  std::vector<Took> taken;
  std::vector<SteadyTime> failures;  // reports of
  std::vector<SteadyTime> delays;
  bool given_up = false;  // its story says "bounced"; without a report only where nobody wants one
};

struct Mail {
  std::string tag;     // of a report: its Message-ID
  std::string sender;  // "" for <>
  std::string body;    // without what was put in front; empty: a report, whose bytes are not ours
  bool report = false;
  bool kept = false;  // 250 while there was power
  SteadyTime kept_at{};
  MessageId id;
  bool dropped = false;     // by the administrator, or a report that nobody can be told of
  unsigned attempts = 0;    // rounds, of a mail with one recipient
  WallTime next_attempt{};  // as its story says
  std::map<std::string, Fate> fates;
};

struct Outage {
  SteadyTime from{};
  SteadyTime to{};
};

// What the rules for attempts are in this run.
struct Rules {
  unsigned most_attempts = 0;
  bool wall_clock_jumps = false;
  Duration after_outage = std::chrono::hours(1);  // of ours: what was put off in it, and mail to the same places, comes by the schedule
};

class Ledger final : public PeerLedger {
 public:
  Ledger(const SimClock& clock, Journal& journal) : clock_(clock), journal_(journal) {}
  void set_rules(Rules rules) { rules_ = rules; }

  // Clients.
  Mail& ask(Mail mail);
  void kept(Mail& mail);

  // The machine's stories and queue. A message that turns up is one of the clients' (session = tag) or a report.
  void accepted(const queue::Message& message, std::string text);
  bool knows(MessageId id) const { return by_id_.contains(id); }
  void note(MessageId id, std::string_view kind, const std::string& detail);
  void power_cut();
  void restarted();
  void starting(bool on) { starting_ = on; }  // what turns up now was accepted before the power went
  void outage(SteadyTime from) { outages_.push_back({from, clock_.steady()}); }
  void in_outage(bool on) { under_way_ += on ? 1 : -1; }
  void acted_on(MessageId id, bool drop);  // by the administrator; a drop may be done when the power goes before its story says so

  // Servers.
  std::size_t take(Taken taken) override;
  void heard(std::size_t number) override;

  // A message in the queue at a start, with the recipients that are pending.
  void expect_pending(const std::vector<queue::Message>& queued);
  // At the end, when the queue is empty: mailbox -> tags in it, once for each copy.
  void settle(const std::map<std::string, std::vector<std::string>>& mailboxes);

  // Tag or Message-ID out of a header section.
  static std::string tag_of(std::string_view text);

  struct Totals {
    std::uint64_t mails = 0;
    std::uint64_t recipients = 0;
    std::uint64_t taken = 0;
    std::uint64_t twice = 0;
    std::uint64_t local = 0;
    std::uint64_t failures = 0;
    std::uint64_t delays = 0;
    std::uint64_t attempts = 0;
    std::uint64_t most_attempts = 0;
    Duration latest_steady{};  // from 250 to a server that is always well, without an outage in between
  };
  const Totals& totals() const { return totals_; }
  void expect_prompt(const std::string& domain, Duration within) { prompt_[domain] = within; }

 private:
  using Key = std::pair<Mail*, std::string>;

  bool forgotten(SteadyTime outcome, SteadyTime until) const;
  bool troubled(SteadyTime from, SteadyTime to) const;
  void add_report(const queue::Message& message, const std::string& text);
  void report_covers(Mail& about, const std::string& recipient, bool failure, SteadyTime at);
  void check_prompt(const Mail& mail, const std::string& recipient);
  void begin_attempt(Mail& mail);
  Fate* fate_of(Mail& mail, const std::string& recipient);

  const SimClock& clock_;
  Journal& journal_;
  Rules rules_;
  std::map<std::string, Mail> mails_;  // by tag
  std::map<MessageId, Mail*> by_id_;
  std::vector<SteadyTime> cuts_;
  std::vector<Outage> outages_;
  SteadyTime last_start_{};
  bool starting_ = false;
  int under_way_ = 0;                                              // outages
  std::vector<std::vector<std::pair<Mail*, std::size_t>>> takes_;  // by number: fates and which of `taken`
  std::vector<std::vector<std::string>> take_recipients_;
  std::map<std::string, Duration> prompt_;
  Totals totals_;
};

}  // namespace godwit::simulation
