#include "app/outlets.h"

#include "base/log.h"
#include "edge/tls/context.h"
#include "service/events/again.h"
#include "service/events/event_file.h"
#include "service/events/signature.h"
#include "service/events/webhook.h"

namespace godwit::app {
namespace {

Result<events::WebhookSettings> webhook_settings(const WebhookConfig& config) {
  events::WebhookSettings settings;
  settings.name = config.name;
  settings.url = config.url;
  settings.where = config.where;
  GODWIT_ASSIGN(settings.key, events::read_secret(config.secret_file));
  settings.types = config.types;
  settings.batch = config.batch;
  settings.timeout = config.timeout;
  settings.ca_file = config.ca_file;
  if (config.where.tls) {
    GODWIT_ASSIGN(settings.tls, tls::ClientContext::create({tls::Level::verify, config.ca_file}));
  }
  return settings;
}

Task<> tell_and_log(events::Stream& stream, queue::Queue& queue, BlockingPool& pool, WallTime before) {
  const auto told = co_await events::tell_accepted_again(stream, queue, pool, before);
  if (!told)
    log::error("events_not_told_again", {{"error", told.error().text}});
  else if (*told > 0)
    log::info("events_told_again", {{"messages", *told}});
}

}  // namespace

std::unique_ptr<Outlets> Outlets::none() { return std::unique_ptr<Outlets>(new Outlets()); }

Result<std::unique_ptr<Outlets>> Outlets::open(const Config& config, Context context) {
  auto outlets = none();
  outlets->context_.emplace(context);
  outlets->directory_ = config.data_dir + "/events";
  if (!config.events.on()) return outlets;
  events::Settings settings;
  settings.directory = outlets->directory_;
  settings.keep = config.events.keep;
  settings.max_bytes = config.events.max_size;
  GODWIT_ASSIGN(outlets->stream_, events::Stream::open(std::move(settings), context.disk, context.clock));
  outlets->sinks_ =
      std::make_unique<events::Sinks>(events::SinksContext{*outlets->stream_, outlets->directory_, context.disk, context.pool,
                                                           context.clock, context.random, context.tasks, context.loops.executor(0)});
  return outlets;
}

Result<void> Outlets::set(const Config& config) {
  if (!stream_) return {};
  std::vector<std::unique_ptr<events::Sink>> sinks;
  if (!config.events.file.empty()) {
    const EventsConfig& file = config.events;
    events::FileSettings settings{{file.file, file.file_max_size, file.file_rotate, file.file_keep}, file.file_types};
    sinks.push_back(events::make_event_file(std::move(settings), context_->pool, context_->clock));
  }
  for (const WebhookConfig& webhook : config.events.webhooks) {
    GODWIT_ASSIGN(auto settings, webhook_settings(webhook));
    auto resolve = [](std::string host) { return net::resolve_host(std::move(host)); };
    sinks.push_back(events::make_webhook(std::move(settings), {context_->clock, *dialer_, resolve}));
  }
  sinks_->set(std::move(sinks));
  return {};
}

void Outlets::tell_again(queue::Queue& queue) {
  if (!stream_) return;
  net::spawn(context_->loops.executor(0), context_->tasks, "events_again",
             tell_and_log(*stream_, queue, context_->pool, context_->clock.now()));
}

std::vector<events::SinkStatus> Outlets::status() const { return sinks_ ? sinks_->status() : std::vector<events::SinkStatus>(); }

void Outlets::stop() {
  if (stream_) stream_->stop();
}

}  // namespace godwit::app
