# Completion of bgo, made from bgo's commands by `python -m tests.docs.regenerate` with shtab; not to be edited.

_shtab_bgo_chains_subparsers=(list show)
_shtab_bgo_batches_subparsers=(list show add close results)
_shtab_bgo_schedules_subparsers=(list show preview pause resume run apply import)
_shtab_bgo_queues_subparsers=(list add set weight pause resume)
_shtab_bgo_handlers_subparsers=(list show)
_shtab_bgo_plugins_subparsers=(list show)
_shtab_bgo_profiles_subparsers=(list show check new)
_shtab_bgo_devices_subparsers=(show signals days record)
_shtab_bgo_store_subparsers=(path check backup vacuum)
_shtab_bgo_config_subparsers=(show path)
_shtab_bgo_completion_subparsers=(bash zsh fish install)
_shtab_bgo_subparsers=(enqueue chain batch schedule reschedule unschedule run wait cancel retry edit bump pause resume status tasks chains batches schedules history logs queues handlers plugins profiles devices explain check simulate prune monitor install store doctor demo config completion man)

_shtab_bgo_enqueue_option_strings=(--input -i --like --as --tag --cwd --env --allow-unknown --queue --priority --delay --at --after --start-before --finish-before --window --window-strict --tz --network --battery-not-low --charging --device-idle --storage-not-low --cpu-below --unused-for --on-network --relax --on-constraint-loss --timeout --retry --concurrency --concurrency-key --rate --rate-key --dedup --dedup-ttl --unique --unique-policy --expedited --foreground --at-most-once -n --dry-run --wait --wait-timeout --run --json -q --quiet -h --help)
_shtab_bgo_chain_option_strings=(--file --commands -i --input --timeout --retry --queue --priority --tag --window --window-strict --tz --network --battery-not-low --charging --device-idle --storage-not-low --cpu-below --unused-for --on-network --relax --on-constraint-loss --concurrency --concurrency-key --rate --rate-key --expedited --foreground --at-most-once --cwd --env --delay --at --start-before --after --dedup --dedup-ttl --unique --unique-policy -n --dry-run --wait --wait-timeout --run --json -q --quiet -h --help)
_shtab_bgo_batch_option_strings=(--items --format --field --open --handler --chain --then --catch --finally -i --input --timeout --retry --queue --priority --tag --window --window-strict --tz --network --battery-not-low --charging --device-idle --storage-not-low --cpu-below --unused-for --on-network --relax --on-constraint-loss --concurrency --concurrency-key --rate --rate-key --expedited --foreground --at-most-once --cwd --delay --at --start-before --after --dedup --dedup-ttl --unique --unique-policy -n --dry-run --wait --wait-timeout --json -q --quiet -h --help)
_shtab_bgo_schedule_option_strings=(--every --cron --every-minutes --every-hours --daily-at --on --weekdays-at --weekends-at --monthly-on --at --tz --window --window-strict --jitter --start --end --max-runs -i --input --handler --steps --chain --items --format --field --then --catch --finally --missed --overlap --pause-after --key --as --timeout --retry --queue --priority --tag --network --battery-not-low --charging --device-idle --storage-not-low --cpu-below --unused-for --on-network --relax --on-constraint-loss --concurrency --concurrency-key --rate --rate-key --expedited --foreground --at-most-once --cwd --env --allow-unknown --start-before --finish-before --after --dedup --dedup-ttl --unique --unique-policy -n --dry-run --json -q --quiet -h --help)
_shtab_bgo_reschedule_option_strings=(--every --cron --every-minutes --every-hours --daily-at --on --weekdays-at --weekends-at --monthly-on --at --tz --window --window-strict --jitter --start --end --max-runs --missed --overlap --pause-after --timeout --retry --queue --priority --tag --network --battery-not-low --charging --device-idle --storage-not-low --cpu-below --unused-for --on-network --relax --on-constraint-loss --concurrency --concurrency-key --rate --rate-key --expedited --foreground --cwd --env --start-before --finish-before --json -q --quiet -h --help)
_shtab_bgo_unschedule_option_strings=(-y --yes --json -q --quiet -h --help)
_shtab_bgo_run_option_strings=(-w --watch --until-empty --for --max-tasks --slots --queue --grace --device --charging --battery --network --idle --storage-low --screen --signal --since --profile --assume --check -q --quiet --json -h --help)
_shtab_bgo_wait_option_strings=(--timeout --json -q --quiet -h --help)
_shtab_bgo_cancel_option_strings=(--name --tag --queue --state --since --until --chain --batch --schedule --all --schedules -y --yes --json -q --quiet -h --help)
_shtab_bgo_retry_option_strings=(--name --tag --queue --state --since --until --chain --batch --all --input -i -y --yes --json -q --quiet -h --help)
_shtab_bgo_edit_option_strings=(--priority --queue --at --delay --input -i --json -q --quiet -h --help)
_shtab_bgo_bump_option_strings=(--json -q --quiet -h --help)
_shtab_bgo_pause_option_strings=(--queue --tag --running --json -h --help)
_shtab_bgo_resume_option_strings=(--queue --tag --running --json -h --help)
_shtab_bgo_status_option_strings=(--limit --json -q --quiet -h --help)
_shtab_bgo_tasks_option_strings=(--name --tag --queue --state --since --until --chain --batch --schedule --limit --json -q --quiet -h --help)
_shtab_bgo_chains_list_option_strings=(--name --tag --state --chain --batch --since --until --limit --json -q --quiet -h --help)
_shtab_bgo_chains_show_option_strings=(--mermaid --dot --json -h --help)
_shtab_bgo_chains_option_strings=(-h --help)
_shtab_bgo_batches_list_option_strings=(--name --tag --state --chain --batch --since --until --limit --json -q --quiet -h --help)
_shtab_bgo_batches_show_option_strings=(--mermaid --dot --json -h --help)
_shtab_bgo_batches_add_option_strings=(--items --format --json -q --quiet -h --help)
_shtab_bgo_batches_close_option_strings=(--json -q --quiet -h --help)
_shtab_bgo_batches_results_option_strings=(--state --after --limit --json -q --quiet -h --help)
_shtab_bgo_batches_option_strings=(-h --help)
_shtab_bgo_schedules_list_option_strings=(--state --limit --json -q --quiet -h --help)
_shtab_bgo_schedules_show_option_strings=(--json -h --help)
_shtab_bgo_schedules_preview_option_strings=(-n --count --from --json -h --help)
_shtab_bgo_schedules_pause_option_strings=(--json -q --quiet -h --help)
_shtab_bgo_schedules_resume_option_strings=(--json -q --quiet -h --help)
_shtab_bgo_schedules_run_option_strings=(--wait --run --json -q --quiet -h --help)
_shtab_bgo_schedules_apply_option_strings=(-n --dry-run --json -q --quiet -h --help)
_shtab_bgo_schedules_import_option_strings=(--system -n --dry-run --json -q --quiet -h --help)
_shtab_bgo_schedules_option_strings=(-h --help)
_shtab_bgo_history_option_strings=(--name --tag --queue --state --since --until --chain --batch --schedule --limit --all-events --json -q --quiet -h --help)
_shtab_bgo_logs_option_strings=(-f --follow --run --raw -h --help)
_shtab_bgo_queues_list_option_strings=(--json -q --quiet -h --help)
_shtab_bgo_queues_add_option_strings=(--weight --reserve --slots --json -h --help)
_shtab_bgo_queues_set_option_strings=(--weight --reserve --slots --json -h --help)
_shtab_bgo_queues_weight_option_strings=(--json -h --help)
_shtab_bgo_queues_pause_option_strings=(--json -h --help)
_shtab_bgo_queues_resume_option_strings=(--json -h --help)
_shtab_bgo_queues_option_strings=(-h --help)
_shtab_bgo_handlers_list_option_strings=(--json -q --quiet -h --help)
_shtab_bgo_handlers_show_option_strings=(--json -h --help)
_shtab_bgo_handlers_option_strings=(-h --help)
_shtab_bgo_plugins_list_option_strings=(--json -q --quiet -h --help)
_shtab_bgo_plugins_show_option_strings=(--json -h --help)
_shtab_bgo_plugins_option_strings=(-h --help)
_shtab_bgo_profiles_list_option_strings=(--json -q --quiet -h --help)
_shtab_bgo_profiles_show_option_strings=(--toml --json -h --help)
_shtab_bgo_profiles_check_option_strings=(--plist --json -h --help)
_shtab_bgo_profiles_new_option_strings=(--extends --json -h --help)
_shtab_bgo_profiles_option_strings=(-h --help)
_shtab_bgo_devices_show_option_strings=(--device --charging --battery --network --idle --storage-low --screen --signal --since --profile --json -h --help)
_shtab_bgo_devices_signals_option_strings=(--json -h --help)
_shtab_bgo_devices_days_option_strings=(--json -q --quiet -h --help)
_shtab_bgo_devices_record_option_strings=(--device --for --every -o --output -h --help)
_shtab_bgo_devices_option_strings=(-h --help)
_shtab_bgo_explain_option_strings=(--all --schedule --device --charging --battery --network --idle --storage-low --screen --signal --since --profile --limit --json -h --help)
_shtab_bgo_check_option_strings=(--strict --codes --device --charging --battery --network --idle --storage-low --screen --signal --since --profile --json -h --help)
_shtab_bgo_simulate_option_strings=(--scenario --compare --start --for --seed --plays --slots --device --charging --battery --network --idle --storage-low --screen --signal --since --profile --json --table --svg -h --help)
_shtab_bgo_prune_option_strings=(--older-than --keep -n --dry-run -y --yes --json -h --help)
_shtab_bgo_monitor_option_strings=(--tag --queue --chain --batch --once --json -h --help)
_shtab_bgo_install_option_strings=(--cron --systemd --launchd --termux --timer --print --uninstall --json -h --help)
_shtab_bgo_store_path_option_strings=(--json -h --help)
_shtab_bgo_store_check_option_strings=(--repair --json -h --help)
_shtab_bgo_store_backup_option_strings=(--replace -h --help)
_shtab_bgo_store_vacuum_option_strings=(-h --help)
_shtab_bgo_store_option_strings=(-h --help)
_shtab_bgo_doctor_option_strings=(--json -h --help)
_shtab_bgo_demo_option_strings=(-h --help)
_shtab_bgo_config_show_option_strings=(--json -h --help)
_shtab_bgo_config_path_option_strings=(-h --help)
_shtab_bgo_config_option_strings=(-h --help)
_shtab_bgo_completion_bash_option_strings=(-h --help)
_shtab_bgo_completion_zsh_option_strings=(-h --help)
_shtab_bgo_completion_fish_option_strings=(-h --help)
_shtab_bgo_completion_install_option_strings=(-h --help)
_shtab_bgo_completion_option_strings=(-h --help)
_shtab_bgo_man_option_strings=(--path -h --help)
_shtab_bgo_option_strings=(--store --config --profile --plugin --no-plugins --no-color --debug -v --verbose -V --version -h --help)

_shtab_bgo_enqueue_pos_0_COMPGEN=_bgo_handlers
_shtab_bgo_enqueue___like_COMPGEN=_bgo_ids
_shtab_bgo_enqueue___tag_COMPGEN=_bgo_tags
_shtab_bgo_enqueue___cwd_COMPGEN=_shtab_compgen_dirs
_shtab_bgo_enqueue___queue_COMPGEN=_bgo_queues
_shtab_bgo_enqueue___after_COMPGEN=_bgo_ids
_shtab_bgo_enqueue___unique_COMPGEN=_bgo_ids
_shtab_bgo_chain_pos_0_COMPGEN=_bgo_names
_shtab_bgo_chain_pos_1_COMPGEN=_bgo_handlers
_shtab_bgo_chain___file_COMPGEN=_shtab_compgen_files
_shtab_bgo_chain___queue_COMPGEN=_bgo_queues
_shtab_bgo_chain___tag_COMPGEN=_bgo_tags
_shtab_bgo_chain___cwd_COMPGEN=_shtab_compgen_dirs
_shtab_bgo_chain___after_COMPGEN=_bgo_ids
_shtab_bgo_chain___unique_COMPGEN=_bgo_ids
_shtab_bgo_batch_pos_0_COMPGEN=_bgo_handlers
_shtab_bgo_batch___items_COMPGEN=_shtab_compgen_files
_shtab_bgo_batch___handler_COMPGEN=_bgo_handlers
_shtab_bgo_batch___chain_COMPGEN=_shtab_compgen_files
_shtab_bgo_batch___then_COMPGEN=_bgo_handlers
_shtab_bgo_batch___catch_COMPGEN=_bgo_handlers
_shtab_bgo_batch___finally_COMPGEN=_bgo_handlers
_shtab_bgo_batch___queue_COMPGEN=_bgo_queues
_shtab_bgo_batch___tag_COMPGEN=_bgo_tags
_shtab_bgo_batch___cwd_COMPGEN=_shtab_compgen_dirs
_shtab_bgo_batch___after_COMPGEN=_bgo_ids
_shtab_bgo_batch___unique_COMPGEN=_bgo_ids
_shtab_bgo_schedule_pos_0_COMPGEN=_bgo_handlers
_shtab_bgo_schedule___handler_COMPGEN=_bgo_handlers
_shtab_bgo_schedule___chain_COMPGEN=_shtab_compgen_files
_shtab_bgo_schedule___items_COMPGEN=_shtab_compgen_files
_shtab_bgo_schedule___then_COMPGEN=_bgo_handlers
_shtab_bgo_schedule___catch_COMPGEN=_bgo_handlers
_shtab_bgo_schedule___finally_COMPGEN=_bgo_handlers
_shtab_bgo_schedule___queue_COMPGEN=_bgo_queues
_shtab_bgo_schedule___tag_COMPGEN=_bgo_tags
_shtab_bgo_schedule___cwd_COMPGEN=_shtab_compgen_dirs
_shtab_bgo_schedule___after_COMPGEN=_bgo_ids
_shtab_bgo_schedule___unique_COMPGEN=_bgo_ids
_shtab_bgo_reschedule_pos_0_COMPGEN=_bgo_schedules
_shtab_bgo_reschedule___queue_COMPGEN=_bgo_queues
_shtab_bgo_reschedule___tag_COMPGEN=_bgo_tags
_shtab_bgo_reschedule___cwd_COMPGEN=_shtab_compgen_dirs
_shtab_bgo_unschedule_pos_0_COMPGEN=_bgo_schedules
_shtab_bgo_run___queue_COMPGEN=_bgo_queues
_shtab_bgo_run___device_COMPGEN=_bgo_devices
_shtab_bgo_run___profile_COMPGEN=_bgo_profiles
_shtab_bgo_wait_pos_0_COMPGEN=_bgo_ids_names
_shtab_bgo_cancel_pos_0_COMPGEN=_bgo_ids_names
_shtab_bgo_cancel___name_COMPGEN=_bgo_names
_shtab_bgo_cancel___tag_COMPGEN=_bgo_tags
_shtab_bgo_cancel___queue_COMPGEN=_bgo_queues
_shtab_bgo_cancel___chain_COMPGEN=_bgo_ids
_shtab_bgo_cancel___batch_COMPGEN=_bgo_ids
_shtab_bgo_cancel___schedule_COMPGEN=_bgo_schedules
_shtab_bgo_retry_pos_0_COMPGEN=_bgo_ids_names
_shtab_bgo_retry___name_COMPGEN=_bgo_names
_shtab_bgo_retry___tag_COMPGEN=_bgo_tags
_shtab_bgo_retry___queue_COMPGEN=_bgo_queues
_shtab_bgo_retry___chain_COMPGEN=_bgo_ids
_shtab_bgo_retry___batch_COMPGEN=_bgo_ids
_shtab_bgo_edit_pos_0_COMPGEN=_bgo_ids
_shtab_bgo_edit___queue_COMPGEN=_bgo_queues
_shtab_bgo_bump_pos_0_COMPGEN=_bgo_ids_names
_shtab_bgo_pause_pos_0_COMPGEN=_bgo_names
_shtab_bgo_pause___queue_COMPGEN=_bgo_queues
_shtab_bgo_pause___tag_COMPGEN=_bgo_tags
_shtab_bgo_resume_pos_0_COMPGEN=_bgo_names
_shtab_bgo_resume___queue_COMPGEN=_bgo_queues
_shtab_bgo_resume___tag_COMPGEN=_bgo_tags
_shtab_bgo_status_pos_0_COMPGEN=_bgo_ids_names_schedules
_shtab_bgo_tasks_pos_0_COMPGEN=_bgo_ids_names
_shtab_bgo_tasks___name_COMPGEN=_bgo_names
_shtab_bgo_tasks___tag_COMPGEN=_bgo_tags
_shtab_bgo_tasks___queue_COMPGEN=_bgo_queues
_shtab_bgo_tasks___chain_COMPGEN=_bgo_ids
_shtab_bgo_tasks___batch_COMPGEN=_bgo_ids
_shtab_bgo_tasks___schedule_COMPGEN=_bgo_schedules
_shtab_bgo_chains_list___name_COMPGEN=_bgo_names
_shtab_bgo_chains_list___tag_COMPGEN=_bgo_tags
_shtab_bgo_chains_list___chain_COMPGEN=_bgo_ids
_shtab_bgo_chains_list___batch_COMPGEN=_bgo_ids
_shtab_bgo_chains_show_pos_0_COMPGEN=_bgo_ids
_shtab_bgo_batches_list___name_COMPGEN=_bgo_names
_shtab_bgo_batches_list___tag_COMPGEN=_bgo_tags
_shtab_bgo_batches_list___chain_COMPGEN=_bgo_ids
_shtab_bgo_batches_list___batch_COMPGEN=_bgo_ids
_shtab_bgo_batches_show_pos_0_COMPGEN=_bgo_ids
_shtab_bgo_batches_add_pos_0_COMPGEN=_bgo_ids
_shtab_bgo_batches_add___items_COMPGEN=_shtab_compgen_files
_shtab_bgo_batches_close_pos_0_COMPGEN=_bgo_ids
_shtab_bgo_batches_results_pos_0_COMPGEN=_bgo_ids
_shtab_bgo_batches_results___after_COMPGEN=_bgo_ids
_shtab_bgo_schedules_list_pos_0_COMPGEN=_bgo_schedules
_shtab_bgo_schedules_show_pos_0_COMPGEN=_bgo_schedules
_shtab_bgo_schedules_preview_pos_0_COMPGEN=_bgo_schedules
_shtab_bgo_schedules_pause_pos_0_COMPGEN=_bgo_schedules
_shtab_bgo_schedules_resume_pos_0_COMPGEN=_bgo_schedules
_shtab_bgo_schedules_run_pos_0_COMPGEN=_bgo_schedules
_shtab_bgo_schedules_apply_pos_0_COMPGEN=_shtab_compgen_files
_shtab_bgo_history_pos_0_COMPGEN=_bgo_ids_names
_shtab_bgo_history___name_COMPGEN=_bgo_names
_shtab_bgo_history___tag_COMPGEN=_bgo_tags
_shtab_bgo_history___queue_COMPGEN=_bgo_queues
_shtab_bgo_history___chain_COMPGEN=_bgo_ids
_shtab_bgo_history___batch_COMPGEN=_bgo_ids
_shtab_bgo_history___schedule_COMPGEN=_bgo_schedules
_shtab_bgo_logs_pos_0_COMPGEN=_bgo_ids
_shtab_bgo_queues_add_pos_0_COMPGEN=_bgo_names
_shtab_bgo_queues_set_pos_0_COMPGEN=_bgo_queues
_shtab_bgo_queues_weight_pos_0_COMPGEN=_bgo_queues
_shtab_bgo_queues_pause_pos_0_COMPGEN=_bgo_queues
_shtab_bgo_queues_resume_pos_0_COMPGEN=_bgo_queues
_shtab_bgo_handlers_show_pos_0_COMPGEN=_bgo_handlers
_shtab_bgo_plugins_show_pos_0_COMPGEN=_bgo_names
_shtab_bgo_profiles_show_pos_0_COMPGEN=_bgo_profiles
_shtab_bgo_profiles_check_pos_0_COMPGEN=_bgo_profiles
_shtab_bgo_profiles_check___plist_COMPGEN=_shtab_compgen_files
_shtab_bgo_profiles_new___extends_COMPGEN=_bgo_profiles
_shtab_bgo_devices_show___device_COMPGEN=_bgo_devices
_shtab_bgo_devices_show___profile_COMPGEN=_bgo_profiles
_shtab_bgo_devices_record___device_COMPGEN=_bgo_devices
_shtab_bgo_devices_record__o_COMPGEN=_shtab_compgen_files
_shtab_bgo_devices_record___output_COMPGEN=_shtab_compgen_files
_shtab_bgo_explain_pos_0_COMPGEN=_bgo_ids_names_schedules
_shtab_bgo_explain___device_COMPGEN=_bgo_devices
_shtab_bgo_explain___profile_COMPGEN=_bgo_profiles
_shtab_bgo_check_pos_0_COMPGEN=_bgo_ids_names
_shtab_bgo_check___device_COMPGEN=_bgo_devices
_shtab_bgo_check___profile_COMPGEN=_bgo_profiles
_shtab_bgo_simulate___scenario_COMPGEN=_shtab_compgen_files
_shtab_bgo_simulate___compare_COMPGEN=_bgo_profiles
_shtab_bgo_simulate___device_COMPGEN=_bgo_devices
_shtab_bgo_simulate___profile_COMPGEN=_bgo_profiles
_shtab_bgo_simulate___svg_COMPGEN=_shtab_compgen_files
_shtab_bgo_monitor_pos_0_COMPGEN=_bgo_ids_names
_shtab_bgo_monitor___tag_COMPGEN=_bgo_tags
_shtab_bgo_monitor___queue_COMPGEN=_bgo_queues
_shtab_bgo_monitor___chain_COMPGEN=_bgo_ids
_shtab_bgo_monitor___batch_COMPGEN=_bgo_ids
_shtab_bgo_store_backup_pos_0_COMPGEN=_shtab_compgen_files
_shtab_bgo___store_COMPGEN=_shtab_compgen_files
_shtab_bgo___config_COMPGEN=_shtab_compgen_files
_shtab_bgo___profile_COMPGEN=_bgo_profiles
_shtab_bgo___plugin_COMPGEN=_shtab_compgen_files

_shtab_bgo_enqueue___network_choices=(none connected unmetered not-roaming metered)
_shtab_bgo_chain___network_choices=(none connected unmetered not-roaming metered)
_shtab_bgo_batch___format_choices=(lines ndjson null)
_shtab_bgo_batch___network_choices=(none connected unmetered not-roaming metered)
_shtab_bgo_schedule___format_choices=(lines ndjson null)
_shtab_bgo_schedule___network_choices=(none connected unmetered not-roaming metered)
_shtab_bgo_reschedule___network_choices=(none connected unmetered not-roaming metered)
_shtab_bgo_run___charging_choices=(yes no)
_shtab_bgo_run___network_choices=(none connected unmetered metered roaming)
_shtab_bgo_run___idle_choices=(yes no)
_shtab_bgo_run___storage_low_choices=(yes no)
_shtab_bgo_run___screen_choices=(on off)
_shtab_bgo_cancel___state_choices=(blocked queued running retrying succeeded failed cancelled)
_shtab_bgo_retry___state_choices=(blocked queued running retrying succeeded failed cancelled)
_shtab_bgo_tasks___state_choices=(blocked queued running retrying succeeded failed cancelled)
_shtab_bgo_chains_list___state_choices=(blocked queued running retrying succeeded failed cancelled)
_shtab_bgo_chains_pos_0_choices=(list show)
_shtab_bgo_batches_list___state_choices=(blocked queued running retrying succeeded failed cancelled)
_shtab_bgo_batches_add___format_choices=(lines ndjson null)
_shtab_bgo_batches_results___state_choices=(blocked queued running retrying succeeded failed cancelled)
_shtab_bgo_batches_pos_0_choices=(list show add close results)
_shtab_bgo_schedules_list___state_choices=(active paused finished)
_shtab_bgo_schedules_pos_0_choices=(list show preview pause resume run apply import)
_shtab_bgo_history___state_choices=(blocked queued running retrying succeeded failed cancelled)
_shtab_bgo_queues_pos_0_choices=(list add set weight pause resume)
_shtab_bgo_handlers_pos_0_choices=(list show)
_shtab_bgo_plugins_pos_0_choices=(list show)
_shtab_bgo_profiles_pos_0_choices=(list show check new)
_shtab_bgo_devices_show___charging_choices=(yes no)
_shtab_bgo_devices_show___network_choices=(none connected unmetered metered roaming)
_shtab_bgo_devices_show___idle_choices=(yes no)
_shtab_bgo_devices_show___storage_low_choices=(yes no)
_shtab_bgo_devices_show___screen_choices=(on off)
_shtab_bgo_devices_pos_0_choices=(show signals days record)
_shtab_bgo_explain___charging_choices=(yes no)
_shtab_bgo_explain___network_choices=(none connected unmetered metered roaming)
_shtab_bgo_explain___idle_choices=(yes no)
_shtab_bgo_explain___storage_low_choices=(yes no)
_shtab_bgo_explain___screen_choices=(on off)
_shtab_bgo_check___charging_choices=(yes no)
_shtab_bgo_check___network_choices=(none connected unmetered metered roaming)
_shtab_bgo_check___idle_choices=(yes no)
_shtab_bgo_check___storage_low_choices=(yes no)
_shtab_bgo_check___screen_choices=(on off)
_shtab_bgo_simulate___charging_choices=(yes no)
_shtab_bgo_simulate___network_choices=(none connected unmetered metered roaming)
_shtab_bgo_simulate___idle_choices=(yes no)
_shtab_bgo_simulate___storage_low_choices=(yes no)
_shtab_bgo_simulate___screen_choices=(on off)
_shtab_bgo_store_pos_0_choices=(path check backup vacuum)
_shtab_bgo_config_pos_0_choices=(show path)
_shtab_bgo_completion_install_pos_0_choices=(bash zsh fish)
_shtab_bgo_completion_pos_0_choices=(bash zsh fish install)
_shtab_bgo_man_pos_0_choices=(enqueue chain batch schedule reschedule unschedule run wait cancel retry edit bump pause resume status tasks chains batches schedules history logs queues handlers plugins profiles devices explain check simulate prune monitor install store doctor demo config completion man)
_shtab_bgo_pos_0_choices=(enqueue chain batch schedule reschedule unschedule run wait cancel retry edit bump pause resume status tasks chains batches schedules history logs queues handlers plugins profiles devices explain check simulate prune monitor install store doctor demo config completion man)

_shtab_bgo_enqueue_pos_1_nargs='*'
_shtab_bgo_enqueue___allow_unknown_nargs=0
_shtab_bgo_enqueue___window_strict_nargs=0
_shtab_bgo_enqueue___battery_not_low_nargs=0
_shtab_bgo_enqueue___charging_nargs=0
_shtab_bgo_enqueue___device_idle_nargs=0
_shtab_bgo_enqueue___storage_not_low_nargs=0
_shtab_bgo_enqueue___at_most_once_nargs=0
_shtab_bgo_enqueue__n_nargs=0
_shtab_bgo_enqueue___dry_run_nargs=0
_shtab_bgo_enqueue___wait_nargs=0
_shtab_bgo_enqueue___run_nargs=0
_shtab_bgo_enqueue___json_nargs=0
_shtab_bgo_enqueue__q_nargs=0
_shtab_bgo_enqueue___quiet_nargs=0
_shtab_bgo_enqueue__h_nargs=0
_shtab_bgo_enqueue___help_nargs=0
_shtab_bgo_chain_pos_1_nargs='*'
_shtab_bgo_chain___commands_nargs=0
_shtab_bgo_chain___window_strict_nargs=0
_shtab_bgo_chain___battery_not_low_nargs=0
_shtab_bgo_chain___charging_nargs=0
_shtab_bgo_chain___device_idle_nargs=0
_shtab_bgo_chain___storage_not_low_nargs=0
_shtab_bgo_chain___at_most_once_nargs=0
_shtab_bgo_chain__n_nargs=0
_shtab_bgo_chain___dry_run_nargs=0
_shtab_bgo_chain___wait_nargs=0
_shtab_bgo_chain___run_nargs=0
_shtab_bgo_chain___json_nargs=0
_shtab_bgo_chain__q_nargs=0
_shtab_bgo_chain___quiet_nargs=0
_shtab_bgo_chain__h_nargs=0
_shtab_bgo_chain___help_nargs=0
_shtab_bgo_batch___open_nargs=0
_shtab_bgo_batch___window_strict_nargs=0
_shtab_bgo_batch___battery_not_low_nargs=0
_shtab_bgo_batch___charging_nargs=0
_shtab_bgo_batch___device_idle_nargs=0
_shtab_bgo_batch___storage_not_low_nargs=0
_shtab_bgo_batch___at_most_once_nargs=0
_shtab_bgo_batch__n_nargs=0
_shtab_bgo_batch___dry_run_nargs=0
_shtab_bgo_batch___wait_nargs=0
_shtab_bgo_batch___json_nargs=0
_shtab_bgo_batch__q_nargs=0
_shtab_bgo_batch___quiet_nargs=0
_shtab_bgo_batch__h_nargs=0
_shtab_bgo_batch___help_nargs=0
_shtab_bgo_schedule_pos_1_nargs='*'
_shtab_bgo_schedule___window_strict_nargs=0
_shtab_bgo_schedule___battery_not_low_nargs=0
_shtab_bgo_schedule___charging_nargs=0
_shtab_bgo_schedule___device_idle_nargs=0
_shtab_bgo_schedule___storage_not_low_nargs=0
_shtab_bgo_schedule___at_most_once_nargs=0
_shtab_bgo_schedule___allow_unknown_nargs=0
_shtab_bgo_schedule__n_nargs=0
_shtab_bgo_schedule___dry_run_nargs=0
_shtab_bgo_schedule___json_nargs=0
_shtab_bgo_schedule__q_nargs=0
_shtab_bgo_schedule___quiet_nargs=0
_shtab_bgo_schedule__h_nargs=0
_shtab_bgo_schedule___help_nargs=0
_shtab_bgo_reschedule_pos_1_nargs='*'
_shtab_bgo_reschedule___window_strict_nargs=0
_shtab_bgo_reschedule___battery_not_low_nargs=0
_shtab_bgo_reschedule___charging_nargs=0
_shtab_bgo_reschedule___device_idle_nargs=0
_shtab_bgo_reschedule___storage_not_low_nargs=0
_shtab_bgo_reschedule___json_nargs=0
_shtab_bgo_reschedule__q_nargs=0
_shtab_bgo_reschedule___quiet_nargs=0
_shtab_bgo_reschedule__h_nargs=0
_shtab_bgo_reschedule___help_nargs=0
_shtab_bgo_unschedule_pos_0_nargs='*'
_shtab_bgo_unschedule__y_nargs=0
_shtab_bgo_unschedule___yes_nargs=0
_shtab_bgo_unschedule___json_nargs=0
_shtab_bgo_unschedule__q_nargs=0
_shtab_bgo_unschedule___quiet_nargs=0
_shtab_bgo_unschedule__h_nargs=0
_shtab_bgo_unschedule___help_nargs=0
_shtab_bgo_run__w_nargs=0
_shtab_bgo_run___watch_nargs=0
_shtab_bgo_run___until_empty_nargs=0
_shtab_bgo_run___check_nargs=0
_shtab_bgo_run__q_nargs=0
_shtab_bgo_run___quiet_nargs=0
_shtab_bgo_run___json_nargs=0
_shtab_bgo_run__h_nargs=0
_shtab_bgo_run___help_nargs=0
_shtab_bgo_wait_pos_0_nargs='*'
_shtab_bgo_wait___json_nargs=0
_shtab_bgo_wait__q_nargs=0
_shtab_bgo_wait___quiet_nargs=0
_shtab_bgo_wait__h_nargs=0
_shtab_bgo_wait___help_nargs=0
_shtab_bgo_cancel_pos_0_nargs='*'
_shtab_bgo_cancel___all_nargs=0
_shtab_bgo_cancel___schedules_nargs=0
_shtab_bgo_cancel__y_nargs=0
_shtab_bgo_cancel___yes_nargs=0
_shtab_bgo_cancel___json_nargs=0
_shtab_bgo_cancel__q_nargs=0
_shtab_bgo_cancel___quiet_nargs=0
_shtab_bgo_cancel__h_nargs=0
_shtab_bgo_cancel___help_nargs=0
_shtab_bgo_retry_pos_0_nargs='*'
_shtab_bgo_retry___all_nargs=0
_shtab_bgo_retry__y_nargs=0
_shtab_bgo_retry___yes_nargs=0
_shtab_bgo_retry___json_nargs=0
_shtab_bgo_retry__q_nargs=0
_shtab_bgo_retry___quiet_nargs=0
_shtab_bgo_retry__h_nargs=0
_shtab_bgo_retry___help_nargs=0
_shtab_bgo_edit___json_nargs=0
_shtab_bgo_edit__q_nargs=0
_shtab_bgo_edit___quiet_nargs=0
_shtab_bgo_edit__h_nargs=0
_shtab_bgo_edit___help_nargs=0
_shtab_bgo_bump_pos_0_nargs='*'
_shtab_bgo_bump___json_nargs=0
_shtab_bgo_bump__q_nargs=0
_shtab_bgo_bump___quiet_nargs=0
_shtab_bgo_bump__h_nargs=0
_shtab_bgo_bump___help_nargs=0
_shtab_bgo_pause___running_nargs=0
_shtab_bgo_pause___json_nargs=0
_shtab_bgo_pause__h_nargs=0
_shtab_bgo_pause___help_nargs=0
_shtab_bgo_resume___running_nargs=0
_shtab_bgo_resume___json_nargs=0
_shtab_bgo_resume__h_nargs=0
_shtab_bgo_resume___help_nargs=0
_shtab_bgo_status___json_nargs=0
_shtab_bgo_status__q_nargs=0
_shtab_bgo_status___quiet_nargs=0
_shtab_bgo_status__h_nargs=0
_shtab_bgo_status___help_nargs=0
_shtab_bgo_tasks_pos_0_nargs='*'
_shtab_bgo_tasks___json_nargs=0
_shtab_bgo_tasks__q_nargs=0
_shtab_bgo_tasks___quiet_nargs=0
_shtab_bgo_tasks__h_nargs=0
_shtab_bgo_tasks___help_nargs=0
_shtab_bgo_chains_list___json_nargs=0
_shtab_bgo_chains_list__q_nargs=0
_shtab_bgo_chains_list___quiet_nargs=0
_shtab_bgo_chains_list__h_nargs=0
_shtab_bgo_chains_list___help_nargs=0
_shtab_bgo_chains_show___mermaid_nargs=0
_shtab_bgo_chains_show___dot_nargs=0
_shtab_bgo_chains_show___json_nargs=0
_shtab_bgo_chains_show__h_nargs=0
_shtab_bgo_chains_show___help_nargs=0
_shtab_bgo_chains_pos_0_nargs=A...
_shtab_bgo_chains__h_nargs=0
_shtab_bgo_chains___help_nargs=0
_shtab_bgo_batches_list___json_nargs=0
_shtab_bgo_batches_list__q_nargs=0
_shtab_bgo_batches_list___quiet_nargs=0
_shtab_bgo_batches_list__h_nargs=0
_shtab_bgo_batches_list___help_nargs=0
_shtab_bgo_batches_show___mermaid_nargs=0
_shtab_bgo_batches_show___dot_nargs=0
_shtab_bgo_batches_show___json_nargs=0
_shtab_bgo_batches_show__h_nargs=0
_shtab_bgo_batches_show___help_nargs=0
_shtab_bgo_batches_add___json_nargs=0
_shtab_bgo_batches_add__q_nargs=0
_shtab_bgo_batches_add___quiet_nargs=0
_shtab_bgo_batches_add__h_nargs=0
_shtab_bgo_batches_add___help_nargs=0
_shtab_bgo_batches_close___json_nargs=0
_shtab_bgo_batches_close__q_nargs=0
_shtab_bgo_batches_close___quiet_nargs=0
_shtab_bgo_batches_close__h_nargs=0
_shtab_bgo_batches_close___help_nargs=0
_shtab_bgo_batches_results___json_nargs=0
_shtab_bgo_batches_results__q_nargs=0
_shtab_bgo_batches_results___quiet_nargs=0
_shtab_bgo_batches_results__h_nargs=0
_shtab_bgo_batches_results___help_nargs=0
_shtab_bgo_batches_pos_0_nargs=A...
_shtab_bgo_batches__h_nargs=0
_shtab_bgo_batches___help_nargs=0
_shtab_bgo_schedules_list___json_nargs=0
_shtab_bgo_schedules_list__q_nargs=0
_shtab_bgo_schedules_list___quiet_nargs=0
_shtab_bgo_schedules_list__h_nargs=0
_shtab_bgo_schedules_list___help_nargs=0
_shtab_bgo_schedules_show___json_nargs=0
_shtab_bgo_schedules_show__h_nargs=0
_shtab_bgo_schedules_show___help_nargs=0
_shtab_bgo_schedules_preview___json_nargs=0
_shtab_bgo_schedules_preview__h_nargs=0
_shtab_bgo_schedules_preview___help_nargs=0
_shtab_bgo_schedules_pause_pos_0_nargs='*'
_shtab_bgo_schedules_pause___json_nargs=0
_shtab_bgo_schedules_pause__q_nargs=0
_shtab_bgo_schedules_pause___quiet_nargs=0
_shtab_bgo_schedules_pause__h_nargs=0
_shtab_bgo_schedules_pause___help_nargs=0
_shtab_bgo_schedules_resume_pos_0_nargs='*'
_shtab_bgo_schedules_resume___json_nargs=0
_shtab_bgo_schedules_resume__q_nargs=0
_shtab_bgo_schedules_resume___quiet_nargs=0
_shtab_bgo_schedules_resume__h_nargs=0
_shtab_bgo_schedules_resume___help_nargs=0
_shtab_bgo_schedules_run___wait_nargs=0
_shtab_bgo_schedules_run___run_nargs=0
_shtab_bgo_schedules_run___json_nargs=0
_shtab_bgo_schedules_run__q_nargs=0
_shtab_bgo_schedules_run___quiet_nargs=0
_shtab_bgo_schedules_run__h_nargs=0
_shtab_bgo_schedules_run___help_nargs=0
_shtab_bgo_schedules_apply__n_nargs=0
_shtab_bgo_schedules_apply___dry_run_nargs=0
_shtab_bgo_schedules_apply___json_nargs=0
_shtab_bgo_schedules_apply__q_nargs=0
_shtab_bgo_schedules_apply___quiet_nargs=0
_shtab_bgo_schedules_apply__h_nargs=0
_shtab_bgo_schedules_apply___help_nargs=0
_shtab_bgo_schedules_import___system_nargs=0
_shtab_bgo_schedules_import__n_nargs=0
_shtab_bgo_schedules_import___dry_run_nargs=0
_shtab_bgo_schedules_import___json_nargs=0
_shtab_bgo_schedules_import__q_nargs=0
_shtab_bgo_schedules_import___quiet_nargs=0
_shtab_bgo_schedules_import__h_nargs=0
_shtab_bgo_schedules_import___help_nargs=0
_shtab_bgo_schedules_pos_0_nargs=A...
_shtab_bgo_schedules__h_nargs=0
_shtab_bgo_schedules___help_nargs=0
_shtab_bgo_history_pos_0_nargs='*'
_shtab_bgo_history___all_events_nargs=0
_shtab_bgo_history___json_nargs=0
_shtab_bgo_history__q_nargs=0
_shtab_bgo_history___quiet_nargs=0
_shtab_bgo_history__h_nargs=0
_shtab_bgo_history___help_nargs=0
_shtab_bgo_logs__f_nargs=0
_shtab_bgo_logs___follow_nargs=0
_shtab_bgo_logs___raw_nargs=0
_shtab_bgo_logs__h_nargs=0
_shtab_bgo_logs___help_nargs=0
_shtab_bgo_queues_list___json_nargs=0
_shtab_bgo_queues_list__q_nargs=0
_shtab_bgo_queues_list___quiet_nargs=0
_shtab_bgo_queues_list__h_nargs=0
_shtab_bgo_queues_list___help_nargs=0
_shtab_bgo_queues_add___json_nargs=0
_shtab_bgo_queues_add__h_nargs=0
_shtab_bgo_queues_add___help_nargs=0
_shtab_bgo_queues_set___json_nargs=0
_shtab_bgo_queues_set__h_nargs=0
_shtab_bgo_queues_set___help_nargs=0
_shtab_bgo_queues_weight___json_nargs=0
_shtab_bgo_queues_weight__h_nargs=0
_shtab_bgo_queues_weight___help_nargs=0
_shtab_bgo_queues_pause___json_nargs=0
_shtab_bgo_queues_pause__h_nargs=0
_shtab_bgo_queues_pause___help_nargs=0
_shtab_bgo_queues_resume___json_nargs=0
_shtab_bgo_queues_resume__h_nargs=0
_shtab_bgo_queues_resume___help_nargs=0
_shtab_bgo_queues_pos_0_nargs=A...
_shtab_bgo_queues__h_nargs=0
_shtab_bgo_queues___help_nargs=0
_shtab_bgo_handlers_list___json_nargs=0
_shtab_bgo_handlers_list__q_nargs=0
_shtab_bgo_handlers_list___quiet_nargs=0
_shtab_bgo_handlers_list__h_nargs=0
_shtab_bgo_handlers_list___help_nargs=0
_shtab_bgo_handlers_show___json_nargs=0
_shtab_bgo_handlers_show__h_nargs=0
_shtab_bgo_handlers_show___help_nargs=0
_shtab_bgo_handlers_pos_0_nargs=A...
_shtab_bgo_handlers__h_nargs=0
_shtab_bgo_handlers___help_nargs=0
_shtab_bgo_plugins_list___json_nargs=0
_shtab_bgo_plugins_list__q_nargs=0
_shtab_bgo_plugins_list___quiet_nargs=0
_shtab_bgo_plugins_list__h_nargs=0
_shtab_bgo_plugins_list___help_nargs=0
_shtab_bgo_plugins_show___json_nargs=0
_shtab_bgo_plugins_show__h_nargs=0
_shtab_bgo_plugins_show___help_nargs=0
_shtab_bgo_plugins_pos_0_nargs=A...
_shtab_bgo_plugins__h_nargs=0
_shtab_bgo_plugins___help_nargs=0
_shtab_bgo_profiles_list___json_nargs=0
_shtab_bgo_profiles_list__q_nargs=0
_shtab_bgo_profiles_list___quiet_nargs=0
_shtab_bgo_profiles_list__h_nargs=0
_shtab_bgo_profiles_list___help_nargs=0
_shtab_bgo_profiles_show___toml_nargs=0
_shtab_bgo_profiles_show___json_nargs=0
_shtab_bgo_profiles_show__h_nargs=0
_shtab_bgo_profiles_show___help_nargs=0
_shtab_bgo_profiles_check___json_nargs=0
_shtab_bgo_profiles_check__h_nargs=0
_shtab_bgo_profiles_check___help_nargs=0
_shtab_bgo_profiles_new___json_nargs=0
_shtab_bgo_profiles_new__h_nargs=0
_shtab_bgo_profiles_new___help_nargs=0
_shtab_bgo_profiles_pos_0_nargs=A...
_shtab_bgo_profiles__h_nargs=0
_shtab_bgo_profiles___help_nargs=0
_shtab_bgo_devices_show___json_nargs=0
_shtab_bgo_devices_show__h_nargs=0
_shtab_bgo_devices_show___help_nargs=0
_shtab_bgo_devices_signals___json_nargs=0
_shtab_bgo_devices_signals__h_nargs=0
_shtab_bgo_devices_signals___help_nargs=0
_shtab_bgo_devices_days___json_nargs=0
_shtab_bgo_devices_days__q_nargs=0
_shtab_bgo_devices_days___quiet_nargs=0
_shtab_bgo_devices_days__h_nargs=0
_shtab_bgo_devices_days___help_nargs=0
_shtab_bgo_devices_record__h_nargs=0
_shtab_bgo_devices_record___help_nargs=0
_shtab_bgo_devices_pos_0_nargs=A...
_shtab_bgo_devices__h_nargs=0
_shtab_bgo_devices___help_nargs=0
_shtab_bgo_explain_pos_0_nargs='*'
_shtab_bgo_explain___all_nargs=0
_shtab_bgo_explain___json_nargs=0
_shtab_bgo_explain__h_nargs=0
_shtab_bgo_explain___help_nargs=0
_shtab_bgo_check_pos_0_nargs='*'
_shtab_bgo_check___strict_nargs=0
_shtab_bgo_check___codes_nargs=0
_shtab_bgo_check___json_nargs=0
_shtab_bgo_check__h_nargs=0
_shtab_bgo_check___help_nargs=0
_shtab_bgo_simulate___json_nargs=0
_shtab_bgo_simulate___table_nargs=0
_shtab_bgo_simulate__h_nargs=0
_shtab_bgo_simulate___help_nargs=0
_shtab_bgo_prune__n_nargs=0
_shtab_bgo_prune___dry_run_nargs=0
_shtab_bgo_prune__y_nargs=0
_shtab_bgo_prune___yes_nargs=0
_shtab_bgo_prune___json_nargs=0
_shtab_bgo_prune__h_nargs=0
_shtab_bgo_prune___help_nargs=0
_shtab_bgo_monitor_pos_0_nargs='*'
_shtab_bgo_monitor___once_nargs=0
_shtab_bgo_monitor___json_nargs=0
_shtab_bgo_monitor__h_nargs=0
_shtab_bgo_monitor___help_nargs=0
_shtab_bgo_install___cron_nargs=0
_shtab_bgo_install___systemd_nargs=0
_shtab_bgo_install___launchd_nargs=0
_shtab_bgo_install___termux_nargs=0
_shtab_bgo_install___timer_nargs=0
_shtab_bgo_install___print_nargs=0
_shtab_bgo_install___uninstall_nargs=0
_shtab_bgo_install___json_nargs=0
_shtab_bgo_install__h_nargs=0
_shtab_bgo_install___help_nargs=0
_shtab_bgo_store_path___json_nargs=0
_shtab_bgo_store_path__h_nargs=0
_shtab_bgo_store_path___help_nargs=0
_shtab_bgo_store_check___repair_nargs=0
_shtab_bgo_store_check___json_nargs=0
_shtab_bgo_store_check__h_nargs=0
_shtab_bgo_store_check___help_nargs=0
_shtab_bgo_store_backup___replace_nargs=0
_shtab_bgo_store_backup__h_nargs=0
_shtab_bgo_store_backup___help_nargs=0
_shtab_bgo_store_vacuum__h_nargs=0
_shtab_bgo_store_vacuum___help_nargs=0
_shtab_bgo_store_pos_0_nargs=A...
_shtab_bgo_store__h_nargs=0
_shtab_bgo_store___help_nargs=0
_shtab_bgo_doctor___json_nargs=0
_shtab_bgo_doctor__h_nargs=0
_shtab_bgo_doctor___help_nargs=0
_shtab_bgo_demo__h_nargs=0
_shtab_bgo_demo___help_nargs=0
_shtab_bgo_config_show___json_nargs=0
_shtab_bgo_config_show__h_nargs=0
_shtab_bgo_config_show___help_nargs=0
_shtab_bgo_config_path__h_nargs=0
_shtab_bgo_config_path___help_nargs=0
_shtab_bgo_config_pos_0_nargs=A...
_shtab_bgo_config__h_nargs=0
_shtab_bgo_config___help_nargs=0
_shtab_bgo_completion_bash__h_nargs=0
_shtab_bgo_completion_bash___help_nargs=0
_shtab_bgo_completion_zsh__h_nargs=0
_shtab_bgo_completion_zsh___help_nargs=0
_shtab_bgo_completion_fish__h_nargs=0
_shtab_bgo_completion_fish___help_nargs=0
_shtab_bgo_completion_install__h_nargs=0
_shtab_bgo_completion_install___help_nargs=0
_shtab_bgo_completion_pos_0_nargs=A...
_shtab_bgo_completion__h_nargs=0
_shtab_bgo_completion___help_nargs=0
_shtab_bgo_man___path_nargs=0
_shtab_bgo_man__h_nargs=0
_shtab_bgo_man___help_nargs=0
_shtab_bgo_pos_0_nargs=A...
_shtab_bgo___no_plugins_nargs=0
_shtab_bgo___no_color_nargs=0
_shtab_bgo___debug_nargs=0
_shtab_bgo__v_nargs=0
_shtab_bgo___verbose_nargs=0
_shtab_bgo__V_nargs=0
_shtab_bgo___version_nargs=0
_shtab_bgo__h_nargs=0
_shtab_bgo___help_nargs=0

# Custom Preamble
_bgo_devices() {
  compgen -W "$("${COMP_WORDS[0]/#\~/$HOME}" __complete devices "$1" 2>/dev/null | cut -f1)" -- "$1"
}
_bgo_handlers() {
  compgen -W "$("${COMP_WORDS[0]/#\~/$HOME}" __complete handlers "$1" 2>/dev/null | cut -f1)" -- "$1"
}
_bgo_ids() {
  compgen -W "$("${COMP_WORDS[0]/#\~/$HOME}" __complete ids "$1" 2>/dev/null | cut -f1)" -- "$1"
}
_bgo_ids_names() {
  compgen -W "$("${COMP_WORDS[0]/#\~/$HOME}" __complete ids,names "$1" 2>/dev/null | cut -f1)" -- "$1"
}
_bgo_ids_names_schedules() {
  compgen -W "$("${COMP_WORDS[0]/#\~/$HOME}" __complete ids,names,schedules "$1" 2>/dev/null | cut -f1)" -- "$1"
}
_bgo_names() {
  compgen -W "$("${COMP_WORDS[0]/#\~/$HOME}" __complete names "$1" 2>/dev/null | cut -f1)" -- "$1"
}
_bgo_profiles() {
  compgen -W "$("${COMP_WORDS[0]/#\~/$HOME}" __complete profiles "$1" 2>/dev/null | cut -f1)" -- "$1"
}
_bgo_queues() {
  compgen -W "$("${COMP_WORDS[0]/#\~/$HOME}" __complete queues "$1" 2>/dev/null | cut -f1)" -- "$1"
}
_bgo_schedules() {
  compgen -W "$("${COMP_WORDS[0]/#\~/$HOME}" __complete schedules "$1" 2>/dev/null | cut -f1)" -- "$1"
}
_bgo_tags() {
  compgen -W "$("${COMP_WORDS[0]/#\~/$HOME}" __complete tags "$1" 2>/dev/null | cut -f1)" -- "$1"
}
# End Custom Preamble

# $1=COMP_WORDS[1]
_shtab_compgen_files() {
  compgen -f -- $1  # files
}

# $1=COMP_WORDS[1]
_shtab_compgen_dirs() {
  compgen -d -- $1  # recurse into subdirs
}

# $1=COMP_WORDS[1]
_shtab_replace_nonword() {
  echo "${1//[^[:word:]]/_}"
}

# set default values (called for the initial parser & any subparsers)
_set_parser_defaults() {
  local subparsers_var="${prefix}_subparsers[@]"
  sub_parsers=${!subparsers_var-}

  local current_option_strings_var="${prefix}_option_strings[@]"
  current_option_strings=${!current_option_strings_var}

  completed_positional_actions=0

  _set_new_action "pos_$completed_positional_actions" true
}

# $1=action identifier
# $2=positional action (bool)
# set all identifiers for an action's parameters
_set_new_action() {
  current_action="${prefix}_$(_shtab_replace_nonword $1)"

  local current_action_compgen_var=${current_action}_COMPGEN
  current_action_compgen="${!current_action_compgen_var-}"

  local current_action_choices_var="${current_action}_choices[@]"
  current_action_choices="${!current_action_choices_var-}"

  local current_action_nargs_var="${current_action}_nargs"
  if [ -n "${!current_action_nargs_var-}" ]; then
    current_action_nargs="${!current_action_nargs_var}"
  else
    current_action_nargs=1
  fi

  current_action_args_start_index=$(( $word_index + 1 - $pos_only ))

  current_action_is_positional=$2
}

# Notes:
# `COMPREPLY`: what will be rendered after completion is triggered
# `completing_word`: currently typed word to generate completions for
# `${!var}`: evaluates the content of `var` and expand its content as a variable
#     hello="world"
#     x="hello"
#     ${!x} -> ${hello} -> "world"
_shtab_bgo() {
  local completing_word="${COMP_WORDS[COMP_CWORD]}"
  local previous_word="${COMP_WORDS[COMP_CWORD-1]}"
  local completed_positional_actions
  local current_action
  local current_action_args_start_index
  local current_action_choices
  local current_action_compgen
  local current_action_is_positional
  local current_action_nargs
  local current_option_strings
  local sub_parsers
  COMPREPLY=()

  local prefix=_shtab_bgo
  local word_index=0
  local pos_only=0 # "--" delimiter not encountered yet
  _set_parser_defaults
  word_index=1

  # determine what arguments are appropriate for the current state
  # of the arg parser
  while [ $word_index -ne $COMP_CWORD ]; do
    local this_word="${COMP_WORDS[$word_index]}"

    if [[ $pos_only = 1 || " $this_word " != " -- " ]]; then
      if [[ -n $sub_parsers && " ${sub_parsers[@]} " == *" $this_word "* ]]; then
        # valid subcommand: add it to the prefix & reset the current action
        prefix="${prefix}_$(_shtab_replace_nonword $this_word)"
        _set_parser_defaults
      fi

      if [[ " ${current_option_strings[@]} " == *" $this_word "* ]]; then
        # a new action should be acquired (due to recognised option string or
        # no more input expected from current action);
        # the next positional action can fill in here
        _set_new_action $this_word false
      fi

      if [[ "$current_action_nargs" != "*" ]] && \
         [[ "$current_action_nargs" != "+" ]] && \
         [[ "$current_action_nargs" != "?" ]] && \
         [[ "$current_action_nargs" != *"..." ]] && \
         (( $word_index + 1 - $current_action_args_start_index - $pos_only >= \
            $current_action_nargs )); then
        $current_action_is_positional && let "completed_positional_actions += 1"
        _set_new_action "pos_$completed_positional_actions" true
      fi
    else
      pos_only=1 # "--" delimiter encountered
    fi

    let "word_index+=1"
  done

  # Generate the completions

  COMPREPLY=()
  if [[ $pos_only = 0 && "$completing_word" == -* &&
        ( -z "$current_action_compgen" || "$current_action_is_positional" = true ) ]]; then
    # optional argument started: use option strings
    while IFS= read -r line; do COMPREPLY+=("$line"); done < <(
      compgen -W "${current_option_strings[*]}" -- "$completing_word")
  elif [[ "$previous_word" =~ ^[0-9\&]*[\<\>]\>?$ ]]; then
    # handle redirection operators
    compopt -o filenames 2>/dev/null || : # bash>=4
    while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$completing_word")
  else
    # use choices & compgen
    local action_compgen_word="$completing_word"
    # handle tab-completing in the middle of a line (#248 <- #116)
    [[ -n "$current_action_compgen" && "$completing_word" == -* ]] && action_compgen_word=""
    [ -n "$current_action_compgen" ] && {
      [[ "$current_action_compgen" =~ _(file|dir|glob|FILE|DIR|GLOB)|File|Dir|Glob ]] &&
        compopt -o filenames 2>/dev/null || : # bash>=4
      while IFS= read -r line; do COMPREPLY+=("$line"); done < <(
        "$current_action_compgen" "$action_compgen_word")
    }
    while IFS= read -r line; do COMPREPLY+=("$line"); done < <(
      compgen -W "${current_action_choices[*]}" -- "$completing_word")
  fi

  if [[ ${#COMPREPLY[@]} = 0 ]]; then
    # native fallback matches are not necessarily filenames (e.g. variables)
    compopt +o filenames 2>/dev/null || : # bash>=4
  fi

  return 0
}

# readline splits words at '=': put `--option=value` together again as the two words it means
_bgo() {
  local IFS=$' \t\n'
  local -a words=()
  local i at=0
  for i in "${!COMP_WORDS[@]}"; do
    if [[ ${COMP_WORDS[i]} == = && $i -gt 0 && ${COMP_WORDS[i-1]} == --* ]]; then
      (( i == COMP_CWORD )) && at=${#words[@]} && words+=("")
      continue
    fi
    (( i == COMP_CWORD )) && at=${#words[@]}
    words+=("${COMP_WORDS[i]}")
  done
  local -a COMP_WORDS=("${words[@]}")
  local COMP_CWORD=$at
  _shtab_bgo
}

complete -o bashdefault -o default -F _bgo bgo
