"""Metrics and alarms by the AWS CLI and boto3, each command held against what it brings about."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from tests.aws.conftest import PATIENCE, Programs, User

GROUP = {
    "Resources": {
        "Group": {
            "Type": "OS::Heat::AutoScalingGroup",
            "Properties": {"min_size": 1, "max_size": 2, "resource": {"type": "OS::Neutron::Net"}},
        },
        "Up": {
            "Type": "OS::Heat::ScalingPolicy",
            "Properties": {
                "auto_scaling_group_id": {"Ref": "Group"},
                "adjustment_type": "change_in_capacity",
                "scaling_adjustment": 1,
            },
        },
    },
    "Outputs": {
        "Size": {"Value": {"Fn::GetAtt": ["Group", "current_size"]}},
    },
}
METRIC = ("--namespace", "shop", "--metric-name", "Waiting")
RULE = (
    *("--statistic", "Average", "--period", "60", "--evaluation-periods", "1"),
    *("--threshold", "5", "--comparison-operator", "GreaterThanThreshold"),
)


def reached(found: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not found():
        assert time.monotonic() < end
        time.sleep(0.2)


def outputs(programs: Programs, stack: str) -> dict[str, str]:
    shown = programs.cloudformation("describe-stacks", "--stack-name", stack)["Stacks"][0]
    return {each["OutputKey"]: each["OutputValue"] for each in shown["Outputs"]}


def state(programs: Programs, name: str) -> str:
    [alarm] = programs.cloudwatch("describe-alarms", "--alarm-names", name)["MetricAlarms"]
    return str(alarm["StateValue"])


def test_metrics_are_kept_and_read(programs: Programs) -> None:
    for value in ("3", "5"):
        programs.cloudwatch(
            *("put-metric-data", *METRIC, "--value", value, "--unit", "Count"),
            *("--dimensions", "Queue=orders"),
        )
    [metric] = programs.cloudwatch("list-metrics", "--namespace", "shop")["Metrics"]
    assert metric["Dimensions"] == [{"Name": "Queue", "Value": "orders"}]
    read = programs.boto3(
        "import datetime\n"
        "end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=2)\n"
        "found = cloudwatch.get_metric_statistics(Namespace='shop', MetricName='Waiting', Period=3600,\n"
        "    Dimensions=[{'Name': 'Queue', 'Value': 'orders'}], Statistics=['Sum', 'Maximum'],\n"
        "    StartTime=end - datetime.timedelta(hours=3), EndTime=end)\n"
        "print(json.dumps([[each['Sum'], each['Maximum']] for each in found['Datapoints']]))\n"
    )
    assert [sum(each[0] for each in read), max(each[1] for each in read)] == [8.0, 5.0]


def test_alarm_that_is_set_scales_a_group(programs: Programs, demo: User) -> None:
    body = json.dumps(GROUP)
    made = programs.cloudformation("create-stack", "--stack-name", "shop", "--template-body", body)
    demo.reached("shop", "CREATE_COMPLETE")
    assert outputs(programs, "shop")["Size"] == "1"
    policy = f"{made['StackId']}/resources/Up"
    programs.cloudwatch("put-metric-alarm", "--alarm-name", "busy", *METRIC, *RULE, "--alarm-actions", policy)
    programs.cloudwatch("wait", "alarm-exists", "--alarm-names", "busy")
    assert state(programs, "busy") == "INSUFFICIENT_DATA"
    [alarm] = programs.cloudwatch("describe-alarms-for-metric", *METRIC)["MetricAlarms"]
    assert (alarm["AlarmName"], alarm["Threshold"], alarm["ActionsEnabled"]) == ("busy", 5.0, True)
    programs.cloudwatch(
        "set-alarm-state", "--alarm-name", "busy", "--state-value", "ALARM", "--state-reason", "a test"
    )
    reached(lambda: outputs(programs, "shop")["Size"] == "2")
    kinds = {
        each["HistoryItemType"]
        for each in programs.cloudwatch("describe-alarm-history", "--alarm-name", "busy")["AlarmHistoryItems"]
    }
    assert kinds == {"ConfigurationUpdate", "StateUpdate", "Action"}
    programs.cloudwatch("disable-alarm-actions", "--alarm-names", "busy")
    [alarm] = programs.cloudwatch("describe-alarms", "--alarm-names", "busy")["MetricAlarms"]
    assert alarm["ActionsEnabled"] is False
    programs.cloudwatch("delete-alarms", "--alarm-names", "busy")
    assert programs.cloudwatch("describe-alarms", "--alarm-names", "busy")["MetricAlarms"] == []


def test_what_is_wrong_has_the_codes_of_aws(programs: Programs) -> None:
    unknown = programs.run(
        *("cloudwatch", "set-alarm-state", "--alarm-name", "none"),
        *("--state-value", "OK", "--state-reason", "x"),
    )
    assert "(ResourceNotFound)" in unknown.stderr
    metric = ("--namespace", ":own", "--metric-name", "m", "--value", "1")
    wrong = programs.run("cloudwatch", "put-metric-data", *metric)
    assert "(InvalidParameterValue)" in wrong.stderr
