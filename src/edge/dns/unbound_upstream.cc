#include "edge/dns/unbound_upstream.h"

#include <fmt/format.h>
#include <unbound.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <unordered_map>
#include <utility>

#include "base/log.h"
#include "edge/dns/unbound_context.h"

namespace godwit::dns {
namespace {

using boost::asio::posix::stream_descriptor;

constexpr int kClassIn = 1;
constexpr const char* kBroken = "the DNS resolver of this server has stopped working, it must be restarted";

// libunbound's own descriptor: never closed here, and let go before the context closes it. The handler that waits on it
// owns this, so it goes with the loop if the loop goes first.
struct Watched {
  Watched(const Executor& executor, int fd) : descriptor(executor, fd) {}
  ~Watched() { release(); }
  void release() {
    if (descriptor.is_open()) descriptor.release();
  }

  stream_descriptor descriptor;
};

}  // namespace

// Lives on the owner's loop.
class UnboundUpstream::Engine : public std::enable_shared_from_this<Engine> {
 public:
  explicit Engine(UnboundContext context) : context_(std::move(context)) {}

  void open(const Executor& owner) {
    auto watched = std::make_shared<Watched>(owner, ub_fd(context_.get()));
    watched_ = watched;
    // posted: a descriptor is touched on its loop alone, which may be running already
    post(owner, [watched = std::move(watched), engine = weak_from_this()]() mutable { wait(std::move(watched), std::move(engine)); });
  }

  void close() {
    if (const auto watched = watched_.lock()) watched->release();
    context_.reset();
    queries_.clear();
  }

  void ask(const Question& question, Done done);

 private:
  struct Query {
    Engine* engine;
    Question question;
    Done done;
    int id = 0;
  };

  static void wait(std::shared_ptr<Watched> watched, std::weak_ptr<Engine> engine);
  bool process();
  static void on_answer(void* query, int error, ub_result* result);
  void finish(Query& query, Response response);

  UnboundContext context_;
  bool broken_ = false;
  std::weak_ptr<Watched> watched_;
  std::unordered_map<Question, std::unique_ptr<Query>, QuestionHash> queries_;
};

void UnboundUpstream::Engine::wait(std::shared_ptr<Watched> watched, std::weak_ptr<Engine> engine) {
  stream_descriptor& descriptor = watched->descriptor;
  if (!descriptor.is_open()) return;
  auto ready = [watched = std::move(watched), engine = std::move(engine)](const boost::system::error_code& error) mutable {
    const auto alive = engine.lock();
    if (error || !alive || !alive->process()) return;
    wait(std::move(watched), std::move(engine));
  };
  descriptor.async_wait(stream_descriptor::wait_read, std::move(ready));
}

// false: there is nothing to wait for any more. A broken pipe would be readable for ever.
bool UnboundUpstream::Engine::process() {
  if (!context_) return false;
  const int code = ub_process(context_.get());
  if (code == 0) return true;
  log::error("DNS lookups fail until the next start: libunbound's thread is gone", {{"error", ub_strerror(code)}});
  broken_ = true;
  while (!queries_.empty()) finish(*queries_.begin()->second, failure(Error::Cause::io, kBroken));
  return false;
}

void UnboundUpstream::Engine::ask(const Question& question, Done done) {
  if (!context_) return;
  if (broken_) return done(failure(Error::Cause::io, kBroken));
  if (const auto old = queries_.find(question); old != queries_.end()) {
    ub_cancel(context_.get(), old->second->id);
    queries_.erase(old);
  }
  const auto [position, is_new] = queries_.emplace(question, std::make_unique<Query>(this, question, std::move(done)));
  Query& query = *position->second;
  const char* name = question.name.empty() ? "." : question.name.c_str();
  const int code = ub_resolve_async(context_.get(), name, static_cast<int>(question.type), kClassIn, &query, on_answer, &query.id);
  if (code != 0)
    finish(query, failure(Error::Cause::io, fmt::format("libunbound cannot look up {}: {}", question.text(), ub_strerror(code))));
}

void UnboundUpstream::Engine::on_answer(void* data, int error, ub_result* result) {
  const std::unique_ptr<ub_result, decltype(&ub_resolve_free)> owned(result, ub_resolve_free);
  Query& query = *static_cast<Query*>(data);
  const bool failed = error != 0 || !result;
  query.engine->finish(
      query, failed ? failure(Error::Cause::io, fmt::format("libunbound cannot look up {}: {}", query.question.text(), ub_strerror(error)))
                    : to_response(query.question, *result));
}

void UnboundUpstream::Engine::finish(Query& query, Response response) {
  const auto node = queries_.extract(query.question);
  node.mapped()->done(std::move(response));
}

Result<std::unique_ptr<Upstream>> UnboundUpstream::create(const Executor& owner, const ResolverOptions& options) {
  GODWIT_ASSIGN(UnboundContext context, make_unbound_context(options));
  auto engine = std::make_shared<Engine>(std::move(context));
  engine->open(owner);
  return std::unique_ptr<Upstream>(new UnboundUpstream(owner, std::move(engine)));
}

UnboundUpstream::UnboundUpstream(const Executor& owner, std::shared_ptr<Engine> engine) : owner_(owner), engine_(std::move(engine)) {}

UnboundUpstream::~UnboundUpstream() { engine_->close(); }

void UnboundUpstream::start(Question question, Done done) {
  post(owner_, [weak = std::weak_ptr(engine_), question = std::move(question), done = std::move(done)]() mutable {
    if (const auto engine = weak.lock()) engine->ask(question, std::move(done));
  });
}

}  // namespace godwit::dns
