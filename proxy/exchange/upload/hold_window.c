/* SPDX-License-Identifier: Apache-2.0 */
/* How long an upload without a client waits for one: its window. The next window begins at the
 * moment at which the client is lost. */
#include "exchange/upload/upload_steps.h"

#include "intake/clock.h"
#include "intake/held_uploads.h"
#include "intake/settings.h"
#include "intake/snapshot.h"

/* A resumption that brings less does not renew the window. */
static const uint64_t RENEWS = 64 * 1024;

static uint64_t window_of(const struct upload_flow *upload)
{
    return upload->x.snapshot->settings->resume.window;
}

static bool renews(const struct upload_flow *upload)
{
    return !upload->hold.until_ms || upload->source.brought >= RENEWS;
}

uint64_t upload_window_end(const struct upload_flow *upload)
{
    bool begins = !upload->hold.held && renews(upload);
    return begins ? clock_wall_ms() + window_of(upload) : upload->hold.expires_wall_ms;
}

static void window_over(struct timer *timer)
{
    upload_drop(CONTAINER_OF(timer, struct upload_flow, hold.timer),
                "its client did not come back");
}

void upload_set_window(struct upload_flow *upload)
{
    struct hold_state *hold = &upload->hold;
    uint64_t now = clock_ms();
    if (renews(upload))
        hold->until_ms = now + window_of(upload);
    uint64_t left = hold->until_ms > now ? hold->until_ms - now : 0;
    const struct held_limits limits = {
        .all = upload->x.snapshot->settings->resume.max_held,
        .project = upload->x.snapshot->settings->resume.max_held_per_project};
    hold->expires_wall_ms = clock_wall_ms() + left;
    hold->timer.fire = window_over;
    if (!timer_set(upload->x.parts->loop, &hold->timer, left))
        held_uploads_drop(upload->x.parts->held_uploads, upload_image_id(upload),
                          "there is no memory");
    held_upload_hold(hold->entry, hold->expires_wall_ms, &limits);
}
