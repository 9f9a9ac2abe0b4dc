// The power goes at every write of a mixed run of the whole house: what was acknowledged is there after the restart, once in a
// mailbox, held in the queue or at the next hop, and nothing half-written shows.
//
//   GODWIT_POWER_CUT_ALL=1      every write instead of points spread over the run (./dev prove)
//   GODWIT_POWER_CUT_SEED=N     another set of lost pages
//   GODWIT_POWER_CUT_AT=K       that write alone: what a failure names

#include <cstdlib>

#include "app/power_cut_client_fixture.h"
#include "testing/every_power_cut.h"

namespace godwit::app {
namespace {

constexpr std::uint64_t kPoints = 50;

std::optional<std::uint64_t> from_environment(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr) return std::nullopt;
  return std::strtoull(text, nullptr, 10);
}

// What there is after a restart, at rest.
struct Found {
  std::map<std::string, std::map<std::string, int>> mailboxes;         // mailbox -> tag -> how often
  std::map<std::string, std::vector<std::string>> reports;             // mailbox -> texts
  std::map<std::string, std::size_t> held;                             // tag -> recipients
  std::map<std::string, std::map<std::string, std::size_t>> next_hop;  // tag -> recipient -> how often
  std::set<std::string> directory;
};

class Inspector {
 public:
  Inspector(Life& life, Ledger& ledger, Found& found) : life_(life), ledger_(ledger), found_(found) {}

  static Task<> look(Inspector me) {
    for (const auto& each : life_damage(me.life_)) EXPECT_FALSE(each.acknowledged) << each.where << ": " << each.what;
    const auto done = co_await me.look_at_all();
    EXPECT_TRUE(done) << done.error().text;
    const auto verified = co_await me.verify();
    EXPECT_TRUE(verified) << verified.error().text;
  }

 private:
  static const std::vector<store::BlobDamage>& life_damage(Life& life) { return life.house().blobs().damage(); }

  // Every message is one that was handed in, to the last byte.
  std::string expect_whole(const std::string& text) {
    std::string tag = tag_of(text);
    const Sent* sent = ledger_.find(tag);
    EXPECT_TRUE(sent != nullptr && sent->body == text) << "half-written, or nobody's: " << text.substr(0, 200);
    return tag;
  }

  Task<Result<void>> look_at_all() {
    auto& directory = life_.house().directory();
    GODWIT_CO_ASSIGN(const auto domains, co_await directory.list_domains());
    for (const auto& domain : domains) found_.directory.insert("domain " + domain.text());
    GODWIT_CO_ASSIGN(const auto aliases, co_await directory.list_aliases(std::nullopt));
    for (const auto& alias : aliases)
      if (alias.targets.size() == 2) found_.directory.insert("alias " + alias.address.text());
    GODWIT_CO_ASSIGN(const auto accounts, co_await directory.list_accounts(std::nullopt));
    for (const auto& account : accounts) {
      found_.directory.insert("account " + account.address.text());
      GODWIT_CO_TRY(co_await look_into(account));
    }
    co_return co_await look_at_queue();
  }

  Task<Result<void>> look_into(directory::Account account) {
    const std::string name = account.address.text();
    auto& mailboxes = life_.house().mailboxes();
    GODWIT_CO_ASSIGN(const auto inbox, co_await mailboxes.snapshot(account.id, mailbox::kInbox));
    for (const auto& message : inbox.messages) {
      GODWIT_CO_ASSIGN(const auto email, co_await mailboxes.email(account.id, message.email));
      EXPECT_EQ(message.size, email.prefix.size() + email.blob_size);
      EXPECT_TRUE(email.prefix.starts_with("Return-Path: <") && email.prefix.ends_with("\r\n")) << email.prefix;
      GODWIT_CO_ASSIGN(auto text, co_await read_whole(life_.house().blobs(), email.blob, email.blob_size));
      const bool report = email.prefix.starts_with("Return-Path: <>");
      if (report) {
        EXPECT_TRUE(text.ends_with("--\r\n")) << "half a report: " << text;
        found_.reports[name].push_back(std::move(text));
      } else {
        ++found_.mailboxes[name][expect_whole(text)];
      }
    }
    co_return Result<void>();
  }

  Task<Result<void>> look_at_queue() {
    GODWIT_CO_ASSIGN(const auto messages, co_await life_.house().admin().queue.list(std::nullopt, 1'000));
    for (const auto& message : messages) {
      EXPECT_TRUE(message.held);
      GODWIT_CO_ASSIGN(const auto text, co_await read_whole(life_.house().blobs(), message.blob, message.size));
      const std::string tag = expect_whole(text);
      EXPECT_FALSE(found_.held.contains(tag)) << "twice in the queue: " << tag;
      for (const auto& recipient : message.recipients)
        if (recipient.state == queue::Recipient::State::pending) ++found_.held[tag];
    }
    co_return Result<void>();
  }

  // `godwit store verify`.
  Task<Result<void>> verify() {
    auto& admin = life_.house().admin();
    GODWIT_CO_ASSIGN(const auto rows, co_await admin.verify_engine());
    for (const auto& finding : rows) ADD_FAILURE() << finding;
    GODWIT_CO_ASSIGN(const auto damage, co_await admin.blobs.verify());
    for (const auto& found : damage) EXPECT_FALSE(found.acknowledged) << found.where << ": " << found.what;
    GODWIT_CO_ASSIGN(const auto accounts, co_await admin.directory.list_accounts(std::nullopt));
    for (const auto& account : accounts) {
      GODWIT_CO_ASSIGN(const auto differences, co_await admin.mailboxes.verify(account.id));
      for (const auto& difference : differences) ADD_FAILURE() << difference;
    }
    co_return Result<void>();
  }

  Life& life_;
  Ledger& ledger_;
  Found& found_;
};

void note_next_hop(const NextHop& next_hop, Ledger& ledger, Found& found) {
  for (const auto& message : next_hop.messages()) {
    const auto subject = message.body.find("Subject: ");
    const std::string tag = tag_of(std::string_view(message.body).substr(std::min(subject, message.body.size())));
    const Sent* sent = ledger.find(tag);
    ASSERT_TRUE(sent != nullptr && message.body.ends_with(sent->body)) << "not what was handed in: " << message.body.substr(0, 300);
    for (const std::string& to : message.to) ++found.next_hop[tag][to.substr(1, to.find('>') - 1)];
  }
}

// Once in each mailbox, at least once at the next hop, held, reported; or, of what nobody was told, nowhere at all.
void expect_arrived(const Sent& sent, Found& found) {
  const bool kept = sent.kept == Asked::acknowledged;
  SCOPED_TRACE(sent.tag + (kept ? ", acknowledged" : ", not acknowledged"));
  std::set<bool> there;
  for (const std::string& mailbox : sent.mailboxes) {
    const int count = found.mailboxes[mailbox][sent.tag];
    const auto erased = sent.erased.find(mailbox);
    EXPECT_LE(count, 1) << "twice in the mailbox of " << mailbox;
    if (erased == sent.erased.end())
      there.insert(count > 0);
    else if (erased->second == Asked::acknowledged)
      EXPECT_EQ(count, 0) << "erased, and there again in the mailbox of " << mailbox;
  }
  for (const std::string& recipient : sent.next_hop) there.insert(found.next_hop[sent.tag][recipient] > 0);
  if (sent.held > 0) {
    const std::size_t held = found.held[sent.tag];
    EXPECT_TRUE(held == 0 || held == sent.held) << "some recipients are gone from the queue";
    if (sent.dropped == Asked::no) there.insert(held > 0);
    if (sent.dropped == Asked::acknowledged) EXPECT_EQ(held, 0u) << "dropped, and there again";
  }
  if (!sent.bounces_to.empty()) {
    const auto& reports = found.reports[sent.bounces_to];
    there.insert(std::ranges::any_of(reports, [&](const auto& text) { return text.contains("Subject: " + sent.tag + "\r\n"); }));
  }
  if (kept) EXPECT_FALSE(there.contains(false)) << "acknowledged and lost";
  EXPECT_LE(there.size(), 1u) << "some of its recipients have it, some have not";
}

void expect_all(Ledger& ledger, Found& found) {
  for (const std::string& complaint : ledger.complaints) ADD_FAILURE() << complaint;
  for (const auto& [name, asked] : ledger.directory)
    if (asked == Asked::acknowledged && !ledger.removed.contains(name))
      EXPECT_TRUE(found.directory.contains(name)) << "acknowledged and lost: " << name;
  for (const auto& [name, asked] : ledger.removed)
    if (asked == Asked::acknowledged) EXPECT_FALSE(found.directory.contains(name)) << "removed, and there again: " << name;
  for (const std::string& name : found.directory) EXPECT_TRUE(ledger.directory.contains(name)) << "nobody's: " << name;
  for (const auto& [tag, sent] : ledger.sent) expect_arrived(sent, found);
}

struct Run {
  Run(std::uint64_t seed, std::uint64_t write) : disk(std::make_shared<Disk>(seed * 1'000'003 + write)) {}

  const DataDirectory directory;
  NextHop next_hop;
  std::shared_ptr<Disk> disk;
  Ledger ledger;
  Config config = make_config(directory.path(), next_hop.hop());
};

// One life; it ends at rest, or when the power goes.
void live(Run& run, const std::string& name) {
  Life life(run.config, run.disk);
  const auto opened = life.open();
  if (!opened) {
    EXPECT_TRUE(run.disk->is_cut()) << opened.error().text;
    return;
  }
  life.start(0, Client::set_up(Client(life, run.ledger, name)));
  ASSERT_TRUE(life.wait());
  life.start(0, Client::work(Client(life, run.ledger, name + "a")));
  life.start(1, Client::work(Client(life, run.ledger, name + "b")));
  ASSERT_TRUE(life.wait());
  ASSERT_TRUE(life.house().run(rest(life))) << "mail that does not come to rest";
}

void check(Run& run) {
  Found found;
  {
    Life life(run.config, run.disk);
    const auto opened = life.open();
    ASSERT_TRUE(opened) << opened.error().text;
    ASSERT_TRUE(life.house().run(rest(life))) << "mail that does not come to rest";
    life.start(0, Inspector::look(Inspector(life, run.ledger, found)));
    ASSERT_TRUE(life.wait());
  }
  run.next_hop.stop();
  note_next_hop(run.next_hop, run.ledger, found);
  expect_all(run.ledger, found);
}

// The number of writes of the run, when it was not cut off.
std::uint64_t cut_at(std::uint64_t seed, std::uint64_t write) {
  SCOPED_TRACE("to repeat: GODWIT_POWER_CUT_SEED=" + std::to_string(seed) + " GODWIT_POWER_CUT_AT=" + std::to_string(write));
  Run run(seed, write);
  run.disk->fail_at(write, Disk::Failure::cut);
  live(run, "first");
  run.disk->cut();
  const std::uint64_t writes = run.disk->counters().changes;
  run.disk->restart();
  if (write % 3 == 0) {  // and once more, while it recovers and takes mail again
    run.disk->fail_at(1 + write / 3 % 90, Disk::Failure::cut);
    live(run, "second");
    run.disk->cut();
    run.disk->restart();
  }
  check(run);
  return writes;
}

TEST(PowerCut, AtEveryWriteOfAMixedRun_WhatWasAcknowledgedIsThereAndNothingHalfWrittenShows) {
  const std::uint64_t seed = from_environment("GODWIT_POWER_CUT_SEED").value_or(1);
  if (const auto alone = from_environment("GODWIT_POWER_CUT_AT")) {
    cut_at(seed, *alone);
    return;
  }
  const std::uint64_t writes = cut_at(seed, 0);
  ASSERT_GT(writes, kPoints);
  const std::uint64_t points = testing::every_power_cut() ? writes : kPoints;
  for (std::uint64_t point = 0; point < points && !HasFailure(); ++point) cut_at(seed, 1 + (point * writes + seed % writes) / points);
  RecordProperty("writes", static_cast<int>(writes));
}

}  // namespace
}  // namespace godwit::app
