// What sendmail left while we were down: the same envelope, the same checks, and each file removed only after intake has kept it.
//
// kill -9 between the two takes a message in twice; both have the Message-ID that sendmail gave it.

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "frontend/submitd/drop_file.h"
#include "frontend/submitd/handover.h"
#include "frontend/submitd/refusal_report.h"
#include "frontend/submitd/reply_text.h"
#include "grammar/dsn/report.h"
#include "grammar/submit/reader.h"

namespace godwit::submitd {
namespace {

using smtp::Reply;

constexpr Duration kLookEvery = std::chrono::seconds(5);
constexpr Duration kLookAgain = std::chrono::seconds(30);  // after something had to wait
constexpr std::size_t kFilesAtOnce = 100'000;              // names; who is over his rate must not hide the others
constexpr std::size_t kChunk = 64 * 1024;

// One file on its way in. The reply says what is to become of it: 2xx it is kept, 4xx it stays, 5xx it can never be taken.
class Taking {
 public:
  Taking(Context& context, DropFile file, std::string name)
      : context_(context), settings_(context.settings()), file_(std::move(file)), name_(std::move(name)) {}

  Task<Reply> run();
  unsigned uid() const { return file_.uid(); }
  bool garbage() const { return garbage_; }  // not a submission at all: nobody can be told

 private:
  Task<std::optional<Reply>> fill();
  Task<std::optional<Reply>> read_envelope();
  Task<std::optional<Reply>> read_body();
  Task<Reply> take();
  Task<Reply> refuse(std::vector<Refused> refused);
  Reply malformed(std::string_view what);

  Context& context_;
  std::shared_ptr<const Settings> settings_;
  DropFile file_;
  std::string name_;
  submit::Reader reader_;
  std::string chunk_;
  std::string_view rest_;
  std::uint64_t offset_ = 0;
  Handover handover_;
  std::string beginning_;  // of the message, for a report
  bool garbage_ = false;
};

Reply Taking::malformed(std::string_view what) {
  garbage_ = true;
  return replies::malformed(what);
}

Task<std::optional<Reply>> Taking::fill() {
  if (!rest_.empty()) co_return std::nullopt;
  if (context_.tasks.cutting()) co_return replies::stopping();
  auto chunk = co_await context_.pool.run([this] { return file_.read(offset_, kChunk); });
  if (!chunk) co_return Reply{451, {4, 3, 0}, chunk.error().text};
  if (chunk->empty()) co_return malformed("it ends too soon");
  chunk_ = *std::move(chunk);
  offset_ += chunk_.size();
  rest_ = chunk_;
  co_return std::nullopt;
}

Task<std::optional<Reply>> Taking::read_envelope() {
  while (!reader_.has_envelope()) {
    if (auto reply = co_await fill()) co_return reply;
    const auto piece = reader_.next(rest_);
    if (!piece) co_return malformed(piece.error().text);
    rest_.remove_prefix(piece->consumed);
  }
  co_return std::nullopt;
}

Task<std::optional<Reply>> Taking::read_body() {
  while (!reader_.finished()) {
    if (auto reply = co_await fill()) co_return reply;
    const auto piece = reader_.next(rest_);
    if (!piece) co_return malformed(piece.error().text);
    rest_.remove_prefix(piece->consumed);
    if (beginning_.size() < dsn::kHeaderLimit) beginning_ += piece->bytes.substr(0, dsn::kHeaderLimit - beginning_.size());
    if (handover_.transaction->recipients() == 0) continue;
    if (!piece->bytes.empty()) co_await handover_.transaction->append(piece->bytes);
    if (handover_.transaction->failed()) co_return co_await handover_.transaction->commit();  // why
  }
  if (!rest_.empty() || offset_ < file_.size()) co_return malformed("there is something behind the message");
  co_return std::nullopt;
}

Task<Reply> Taking::run() {
  if (auto reply = co_await read_envelope()) co_return *std::move(reply);
  if (!context_.rates.take(file_.uid(), settings_->messages_per_minute, context_.clock.steady()))
    co_return replies::too_fast(file_.uid(), settings_->messages_per_minute);
  auto reply = co_await take();
  if (!reply.permanent() || garbage_) co_return reply;
  // refused as a whole: its sender hears of every recipient
  std::vector<Refused> all;
  for (const std::string& recipient : reader_.envelope().recipients) all.push_back({recipient, reply});
  co_return co_await refuse(std::move(all));
}

Task<Reply> Taking::take() {
  Who who{file_.uid(), "drop-" + name_};
  auto begun = co_await begin(context_, std::move(who), reader_.envelope());
  if (!begun) co_return std::move(begun).error();
  handover_ = *std::move(begun);
  const auto wait = std::ranges::find_if(handover_.refused, [](const Refused& one) { return one.reply.transient(); });
  if (wait != handover_.refused.end()) co_return wait->reply;
  const bool anybody = handover_.transaction->recipients() > 0;
  if (anybody) {
    auto go_ahead = handover_.transaction->begin_body();
    if (!go_ahead.intermediate()) co_return go_ahead;
    if (!handover_.author_field.empty()) co_await handover_.transaction->append(handover_.author_field);
  }
  if (auto reply = co_await read_body()) co_return *std::move(reply);
  // The report first: were we to die after it, the sender would hear twice of a refusal, and nobody gets the mail twice.
  if (!handover_.refused.empty()) {
    auto refused = std::move(handover_.refused);
    auto told = co_await refuse(std::move(refused));
    if (told.transient() || !anybody) co_return told;
  }
  co_return co_await handover_.transaction->commit();
}

Task<Reply> Taking::refuse(std::vector<Refused> refused) {
  for (const Refused& one : refused)
    log::info("drop_recipient_refused", {{"drop", name_}, {"uid", file_.uid()}, {"rcpt", one.recipient}, {"reply", one.reply.one_line()}});
  const smtp::ReversePath sender = handover_.reverse_path;
  std::string original = beginning_;
  auto told = co_await report_refusals(context_, sender, refused, std::move(original));
  if (told.permanent()) garbage_ = true;  // a person must look
  co_return told;
}

void move_aside(const std::string& directory, const std::string& name, const std::string& why) {
  const auto moved = set_aside(directory, name);
  if (!moved && moved.error().cause == Error::Cause::not_found) return;
  log::warning("drop_set_aside", {{"drop", name}, {"why", why}, {"to", moved ? aside_of(directory) : moved.error().text}});
}

// Why it must be looked at again; nothing when it is done with.
Task<std::optional<Reply>> take_one(Context& context, std::string directory, std::string name) {
  auto file = co_await context.pool.run([&] { return DropFile::open(directory, name); });
  if (!file) {
    if (file.error().cause == Error::Cause::not_found) co_return std::nullopt;
    co_await context.pool.run([&] { return move_aside(directory, name, file.error().text), true; });
    co_return std::nullopt;
  }
  Taking taking(context, *std::move(file), name);
  const Reply reply = co_await taking.run();
  if (reply.transient()) co_return reply;
  if (reply.permanent() || taking.garbage()) {
    co_await context.pool.run([&] { return move_aside(directory, name, reply.one_line()), true; });
    co_return std::nullopt;
  }
  log::info("drop_taken", {{"drop", name}, {"uid", taking.uid()}, {"reply", reply.one_line()}});
  const auto removed = co_await context.pool.run([&] { return remove_drop(directory, name); });
  if (!removed) log::error("drop_not_removed", {{"drop", name}, {"error", removed.error().text}});
  co_return std::nullopt;
}

}  // namespace

Task<bool> take_maildrop(Context& context, std::string directory) {
  const WallTime now = context.clock.now();
  const auto listing = co_await context.pool.run([&] { return list_maildrop(directory, kFilesAtOnce, now); });
  if (!listing) {
    log::error("maildrop_unreadable", {{"error", listing.error().text}});
    co_return true;
  }
  std::size_t waiting = 0;
  std::string last;
  for (const std::string& name : listing->names) {
    if (context.tasks.stopping()) co_return true;
    std::string in = directory;
    std::string one = name;
    const auto again = co_await take_one(context, std::move(in), std::move(one));
    if (!again) continue;
    ++waiting;
    last = fmt::format("{}: {}", name, again->one_line());
  }
  if (waiting > 0) log::warning("maildrop_waits", {{"files", waiting}, {"last", last}});
  co_return waiting > 0;
}

Task<> watch_maildrop(Context& context, std::string directory) {
  auto executor = co_await this_executor();
  auto timer = context.clock.make_timer(executor);
  const net::TaskGroup::OnStop on_stop(context.tasks, executor, [&timer] { timer->wake(); });
  while (!context.tasks.stopping()) {
    std::string where = directory;
    const bool waits = co_await take_maildrop(context, std::move(where));
    if (context.tasks.stopping()) break;
    co_await timer->wait_until(context.clock.steady() + (waits ? kLookAgain : kLookEvery));
  }
}

}  // namespace godwit::submitd
