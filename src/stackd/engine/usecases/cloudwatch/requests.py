"""The shapes of all requests."""

from __future__ import annotations

from typing import Final

from stackd.engine.services.alarms.evaluation import STATES
from stackd.engine.services.alarms.states import ACTION, CONFIGURATION, STATE
from stackd.engine.usecases.cloudwatch.shapes import (
    Required,
    flag,
    many,
    moment,
    number,
    one_of,
    structure,
    text,
    whole,
)

ORDERS: Final = ("TimestampDescending", "TimestampAscending")
_TOKEN = text(1, 4096)
_NAME = text(1, 255)
_LABEL = text(0, 500)
_UNIT = text(1, 50)
_STAT = text(1, 50)

_DIMENSION = structure(Name=Required(_NAME), Value=Required(text(1, 1024)))
_DIMENSIONS = many(_DIMENSION, 30)
_ACTIONS = many(text(1, 8192), 20)
_TAGS = many(structure(Key=Required(text(1, 128)), Value=Required(text(0, 256))), 50)

_DATUM = structure(
    MetricName=Required(_NAME),
    Dimensions=_DIMENSIONS,
    Timestamp=moment,
    Value=number,
    StatisticValues=structure(
        SampleCount=Required(number), Sum=Required(number), Minimum=Required(number), Maximum=Required(number)
    ),
    Values=many(number, 150),
    Counts=many(number, 150),
    Unit=_UNIT,
    StorageResolution=whole(1, 60),
)
PUT_METRIC_DATA: Final = structure(
    Namespace=Required(_NAME),
    MetricData=many(_DATUM, 1000),
    EntityMetricData=many(structure(MetricData=many(_DATUM, 1000)), 2),
)

GET_METRIC_STATISTICS: Final = structure(
    Namespace=Required(_NAME),
    MetricName=Required(_NAME),
    Dimensions=_DIMENSIONS,
    StartTime=Required(moment),
    EndTime=Required(moment),
    Period=Required(whole(1)),
    Statistics=many(_STAT, 5),
    ExtendedStatistics=many(_STAT, 10),
    Unit=_UNIT,
)

_METRIC = structure(Namespace=_NAME, MetricName=_NAME, Dimensions=_DIMENSIONS)
_METRIC_STAT = structure(
    Metric=Required(_METRIC), Period=Required(whole(1)), Stat=Required(_STAT), Unit=_UNIT
)
_QUERY = structure(
    Id=Required(_NAME),
    MetricStat=_METRIC_STAT,
    Expression=text(1, 2048),
    Label=_LABEL,
    ReturnData=flag,
    Period=whole(1),
)
GET_METRIC_DATA: Final = structure(
    MetricDataQueries=Required(many(_QUERY, 500, 1)),
    StartTime=Required(moment),
    EndTime=Required(moment),
    ScanBy=one_of(*ORDERS),
    MaxDatapoints=whole(1),
    NextToken=_TOKEN,
)
LIST_METRICS: Final = structure(
    Namespace=_NAME,
    MetricName=_NAME,
    Dimensions=many(structure(Name=Required(_NAME), Value=text(1, 1024)), 10),
    RecentlyActive=one_of("PT3H"),
    NextToken=_TOKEN,
)

PUT_METRIC_ALARM: Final = structure(
    AlarmName=Required(_NAME),
    AlarmDescription=text(0, 1024),
    ActionsEnabled=flag,
    OKActions=_ACTIONS,
    AlarmActions=_ACTIONS,
    InsufficientDataActions=_ACTIONS,
    MetricName=_NAME,
    Namespace=_NAME,
    Statistic=_STAT,
    ExtendedStatistic=_STAT,
    Dimensions=_DIMENSIONS,
    Period=whole(1),
    Unit=_UNIT,
    EvaluationPeriods=whole(1),
    DatapointsToAlarm=whole(1),
    Threshold=number,
    ComparisonOperator=text(1, 100),
    TreatMissingData=_NAME,
    EvaluateLowSampleCountPercentile=_NAME,
    Metrics=many(_QUERY, 20),
    Tags=_TAGS,
    ThresholdMetricId=_NAME,
    EvaluationCriteria=structure(),
    EvaluationInterval=whole(1),
)
_ALARM_NAMES = many(_NAME, 100)
_TYPES = many(one_of("MetricAlarm", "CompositeAlarm", "LogAlarm"), 5)
DESCRIBE_ALARMS: Final = structure(
    AlarmNames=_ALARM_NAMES,
    AlarmNamePrefix=_NAME,
    AlarmTypes=_TYPES,
    StateValue=one_of(*STATES),
    ActionPrefix=text(1, 1024),
    ChildrenOfAlarmName=_NAME,
    ParentsOfAlarmName=_NAME,
    MaxRecords=whole(1, 100),
    NextToken=_TOKEN,
)
DESCRIBE_ALARMS_FOR_METRIC: Final = structure(
    MetricName=Required(_NAME),
    Namespace=Required(_NAME),
    Statistic=_STAT,
    ExtendedStatistic=_STAT,
    Dimensions=_DIMENSIONS,
    Period=whole(1),
    Unit=_UNIT,
)
DESCRIBE_ALARM_HISTORY: Final = structure(
    AlarmName=_NAME,
    AlarmTypes=_TYPES,
    HistoryItemType=one_of(CONFIGURATION, STATE, ACTION),
    StartDate=moment,
    EndDate=moment,
    MaxRecords=whole(1, 100),
    ScanBy=one_of(*ORDERS),
    NextToken=_TOKEN,
)
SET_ALARM_STATE: Final = structure(
    AlarmName=Required(_NAME),
    StateValue=Required(one_of(*STATES)),
    StateReason=Required(text(0, 1023)),
    StateReasonData=text(0, 4000),
)
SOME_ALARMS: Final = structure(AlarmNames=Required(_ALARM_NAMES))

_ARN = text(1, 1024)
TAG_RESOURCE: Final = structure(ResourceARN=Required(_ARN), Tags=Required(_TAGS))
UNTAG_RESOURCE: Final = structure(ResourceARN=Required(_ARN), TagKeys=Required(many(text(1, 128), 50)))
LIST_TAGS: Final = structure(ResourceARN=Required(_ARN))
